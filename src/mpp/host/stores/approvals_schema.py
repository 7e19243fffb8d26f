"""Tables and limits of the file of approvals."""

from __future__ import annotations

FORMAT = 1

BUSY_MS_MAX = 10_000
"""Milliseconds that a write waits for other processes. Reason: a write takes milliseconds; sixty-four at once take a second on a slow disk."""

PURGED_MAX = 100
"""Old rows removed with one write. Reason: the cost of a call stays the same after a long pause."""

SPENT_KEPT_SECONDS = 2 * 24 * 3600
"""Seconds that a spent name is kept beyond what was asked. Reason: longer than a question and its answer can live, whoever asked for less."""

RATE_SECONDS = 60
"""Seconds of the window in which calls are counted. Reason: policies set a number for each minute."""

SCHEMA = """
CREATE TABLE about (one INTEGER PRIMARY KEY CHECK (one = 1), format INTEGER NOT NULL) STRICT;
CREATE TABLE question (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, ref TEXT NOT NULL, binding TEXT NOT NULL, jti TEXT NOT NULL,
    agent TEXT NOT NULL, expires INTEGER NOT NULL, closed INTEGER NOT NULL, told INTEGER NOT NULL, document BLOB NOT NULL
) STRICT;
CREATE INDEX question_binding ON question (tenant, binding);
CREATE INDEX question_expires ON question (expires);
CREATE INDEX question_ref ON question (ref);
CREATE TABLE answer (question TEXT NOT NULL, approver TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (question, approver)) STRICT;
CREATE TABLE standing (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant TEXT NOT NULL, package TEXT NOT NULL, tool TEXT NOT NULL, agent TEXT NOT NULL,
    calls INTEGER NOT NULL CHECK (calls >= 0), until INTEGER NOT NULL, document BLOB NOT NULL
) STRICT;
CREATE INDEX standing_tool ON standing (tenant, package, tool, agent);
CREATE TABLE consent (
    tenant TEXT NOT NULL, publisher TEXT NOT NULL, package TEXT NOT NULL, document BLOB NOT NULL, PRIMARY KEY (tenant, publisher, package)
) STRICT;
CREATE TABLE once (kind TEXT NOT NULL, name TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
CREATE INDEX once_until ON once (until);
CREATE TABLE rate (key TEXT NOT NULL, at INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (key, at)) STRICT, WITHOUT ROWID;
CREATE INDEX rate_at ON rate (at);
"""

OPEN = "closed = 0 AND expires >= :now AND NOT EXISTS (SELECT 1 FROM once WHERE kind = 'approval' AND name = question.jti)"
SAME = f"SELECT document FROM question WHERE tenant = :tenant AND binding = :binding AND {OPEN} ORDER BY number DESC LIMIT 1"  # noqa: S608 - constants
COUNTS = f"SELECT count(*), coalesce(sum(agent = :agent), 0) FROM question WHERE tenant = :tenant AND {OPEN}"  # noqa: S608 - constants
REF_TAKEN = "SELECT 1 FROM question WHERE ref = :ref AND closed = 0 AND expires >= :now"
ADD_QUESTION = """
INSERT INTO question (id, tenant, ref, binding, jti, agent, expires, closed, told, document)
VALUES (:id, :tenant, :ref, :binding, :jti, :agent, :expires, 0, 0, :document)
"""
FIND = """
SELECT id, document FROM question WHERE tenant = :tenant AND binding = :binding AND expires + :answer >= :now
AND NOT EXISTS (SELECT 1 FROM once WHERE kind = 'approval' AND name = question.jti) ORDER BY number DESC LIMIT 1
"""
BY_REF = f"SELECT document FROM question WHERE tenant = :tenant AND (ref = :ref OR id = :ref) AND {OPEN} ORDER BY number LIMIT 1"  # noqa: S608 - constants
PENDING = f"SELECT document FROM question WHERE tenant = :tenant AND {OPEN} ORDER BY number"  # noqa: S608 - constants
TENANTS = (
    f"SELECT tenant FROM question WHERE {OPEN} UNION SELECT tenant FROM standing WHERE until >= :now AND calls > 0 UNION SELECT tenant FROM consent ORDER BY 1"  # noqa: S608 - constants
)
OLD_QUESTIONS = "SELECT id FROM question WHERE expires < ? LIMIT ?"
"""Too old to be found by ``FIND`` too."""
CLOSE = "UPDATE question SET closed = 1 WHERE id = ?"
DELETE_QUESTION = "DELETE FROM question WHERE id = ?"
DELETE_ANSWERS = "DELETE FROM answer WHERE question = ?"
ANSWERS = "SELECT document FROM answer WHERE question = ? ORDER BY approver"
PUT_ANSWER = "INSERT INTO answer VALUES (?, ?, ?) ON CONFLICT (question, approver) DO UPDATE SET document = excluded.document"

ADD_STANDING = "INSERT INTO standing (id, tenant, package, tool, agent, calls, until, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
COUNT_STANDING = "SELECT count(*) FROM standing WHERE tenant = ? AND until >= ? AND calls > 0"
STANDING_FOR = (
    "SELECT calls, document FROM standing WHERE tenant = ? AND package = ? AND tool = ? AND agent = ? AND until >= ? AND calls > 0 ORDER BY number DESC"
)
STANDING = "SELECT calls, document FROM standing WHERE tenant = ? AND until >= ? AND calls > 0 ORDER BY number"
USE_STANDING = "UPDATE standing SET calls = calls - 1 WHERE id = ? AND calls > 0 AND until >= ? RETURNING calls"
OLD_STANDING = "DELETE FROM standing WHERE number IN (SELECT number FROM standing WHERE until < ? OR calls = 0 LIMIT ?)"
REVOKE = "DELETE FROM standing WHERE tenant = ? AND id = ?"

CONSENT = "SELECT document FROM consent WHERE tenant = ? AND publisher = ? AND package = ?"
CONSENTS = "SELECT document FROM consent WHERE tenant = ? ORDER BY package, publisher"
PUT_CONSENT = "INSERT INTO consent VALUES (?, ?, ?, ?) ON CONFLICT (tenant, publisher, package) DO UPDATE SET document = excluded.document"
DROP_CONSENT = "DELETE FROM consent WHERE tenant = ? AND publisher = ? AND package = ?"

SPEND = "INSERT INTO once VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
OLD_SPENT = "DELETE FROM once WHERE (kind, name) IN (SELECT kind, name FROM once WHERE until < ? LIMIT ?)"

OLD_RATES = "DELETE FROM rate WHERE (key, at) IN (SELECT key, at FROM rate WHERE at <= ? LIMIT ?)"
FORGET_RATE = "DELETE FROM rate WHERE key = ? AND (at <= ? OR at > ?)"
RATE = "SELECT coalesce(sum(count), 0) FROM rate WHERE key = ?"
COUNT_RATE = "INSERT INTO rate VALUES (?, ?, 1) ON CONFLICT (key, at) DO UPDATE SET count = count + 1"
