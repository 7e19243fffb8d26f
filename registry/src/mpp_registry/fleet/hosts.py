"""Hosts: how they come in by a code that holds once, how each of their requests is known to be theirs, and how they go."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from mpp.crypto.roots import is_plain_line
from mpp.errors import Refused
from mpp.host.enrolment.documents import Enrolment, EnrolmentCode, make_code
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.protocol.registry.requests import check_request, read_request, SignedRequest, spent_until

from mpp_registry.fleet.alarms import alarm
from mpp_registry.fleet.limits import CODE_SECONDS_MAX, CODES_OPEN_MAX, HOSTS_MAX, LABEL_CHARS_MAX, PAGE_ITEMS_MAX
from mpp_registry.fleet.papers import fleet_root
from mpp_registry.fleet.witness import accept_log
from mpp_registry.publishing.once import spend
from mpp_registry.services import Services
from mpp_registry.store.ports import Row, Rows

_COLUMNS = (
    "host_id, public, name, label, status, policy_name, trust_name, enrolled_at, reported_at, received_at, mpp, policy_version, policy_digest,"
    " trust_version, trust_digest"
)


@value
class Host:
    host_id: str
    public: bytes
    name: str
    label: str
    status: str
    policy_name: str
    trust_name: str
    enrolled_at: int
    reported_at: int
    received_at: int
    mpp: str
    policy_version: int
    policy_digest: str
    trust_version: int
    trust_digest: str


@value
class Wanted:
    """For which machines a code is made."""

    label: str
    policy_name: str = ""
    trust_name: str = ""
    seconds: int


@value
class CodeRow:
    label: str
    policy_name: str
    trust_name: str
    made_at: int
    until: int
    host_id: str
    used_at: int


@value
class Request:
    """What a host sent, as the server has it."""

    authorization: str
    method: str
    target: str
    body: bytes


# -- codes


def new_code(services: Services, wanted: Wanted) -> tuple[EnrolmentCode, int]:
    """A code, and until when it holds. Only its digest is kept here."""
    if not 1 <= wanted.seconds <= CODE_SECONDS_MAX:
        raise Refused("registry.enrolment", f"a code holds for 1 to {CODE_SECONDS_MAX} seconds", hint="take a shorter time")
    if not 0 < len(wanted.label) <= LABEL_CHARS_MAX or not is_plain_line(wanted.label):
        raise Refused("registry.enrolment", f"{shown(wanted.label)!r} is no label", hint="give one line of plain words, such as laptops-berlin")
    now = services.clock.now()
    with services.database.write() as rows:
        root = fleet_root(rows)
        open_codes = rows.one("SELECT COUNT(*) FROM fleet_codes WHERE host_id = '' AND until >= ?", now)
        if open_codes is not None and int(str(open_codes[0])) >= CODES_OPEN_MAX:
            raise Refused("registry.enrolment", f"{CODES_OPEN_MAX} codes are open already", hint="wait until they end")
        code = make_code(services.random, services.settings.registry_id, root.publisher_id)
        rows.run(
            "INSERT INTO fleet_codes (code_sha256, label, policy_name, trust_name, made_at, until, host_id, used_at) VALUES (?, ?, ?, ?, ?, ?, '', 0)",
            _digest(code.secret), wanted.label, wanted.policy_name, wanted.trust_name, now, now + wanted.seconds,
        )  # fmt: skip
    return code, now + wanted.seconds


def _digest(secret: str) -> str:
    return sha256(secret.encode("ascii")).hexdigest()


def codes(rows: Rows) -> tuple[CodeRow, ...]:
    found = rows.all(
        "SELECT label, policy_name, trust_name, made_at, until, host_id, used_at FROM fleet_codes ORDER BY made_at DESC, code_sha256 LIMIT ?", PAGE_ITEMS_MAX
    )
    return tuple(
        CodeRow(
            label=str(row[0]),
            policy_name=str(row[1]),
            trust_name=str(row[2]),
            made_at=_int(row[3]),
            until=_int(row[4]),
            host_id=str(row[5]),
            used_at=_int(row[6]),
        )
        for row in found
    )


# -- coming in


def enrol(services: Services, enrolment: Enrolment, request: Request) -> tuple[Host, str]:
    """The host that came in, and the nonce that its answer is for. Spec: fleet Q-2, Q-10."""
    signed = read_request(request.authorization)
    if signed.key != enrolment.host_id:
        # Attack: a host that enrols the key of another one, to report in its name.
        raise Refused("registry.enrolment", "the request is not signed by the key that it brings", hint="enrol a host on the host itself")
    # Attack: strangers who make up codes, each of which would cost the writer's turn. What is unknown is turned away by a look.
    with services.database.read() as rows:
        if rows.one("SELECT 1 FROM fleet_codes WHERE code_sha256 = ?", _digest(enrolment.secret)) is None:
            raise Refused("registry.enrolment", _NOT_GOOD, hint="ask the administrator for a new code")
    _judge_request(services, signed, request, enrolment.public)
    now = services.clock.now()
    with services.database.write() as rows:
        host, fault = _come_in(rows, enrolment, now)
        if host is not None and enrolment.log_key:
            accept_log(rows, host.host_id, enrolment.log_key, now)
    # What was noted of a code that came twice stays: the refusal comes after the end of the transaction.
    if host is None:
        raise Refused("registry.enrolment", fault, hint="ask the administrator for a new code")
    return host, signed.nonce


_NOT_GOOD = "the code is not known here, was used, or has ended"


def _come_in(rows: Rows, enrolment: Enrolment, now: int) -> tuple[Host | None, str]:
    code = rows.one("SELECT label, policy_name, trust_name, until, host_id FROM fleet_codes WHERE code_sha256 = ?", _digest(enrolment.secret))
    if code is None:
        return None, _NOT_GOOD
    label, policy_name, trust_name, until, used_by = str(code[0]), str(code[1]), str(code[2]), _int(code[3]), str(code[4])
    if used_by and used_by != enrolment.host_id:
        # Attack: a code that somebody else has read. The second who comes with it is turned away, and people hear of it.
        alarm(rows, used_by, "code", now, f"another host, {enrolment.host_id[:16]}, came with the code of this one", b"", enrolment.host_id.encode())
        return None, _NOT_GOOD
    if now > until:
        return None, _NOT_GOOD
    known = _host(rows, enrolment.host_id)
    if used_by and (known is None or known.status != "active"):
        return None, _NOT_GOOD
    if known is None and _count(rows) >= HOSTS_MAX:
        return None, f"there are {HOSTS_MAX} hosts already"
    rows.run("UPDATE fleet_codes SET host_id = ?, used_at = ? WHERE code_sha256 = ? AND host_id = ''", enrolment.host_id, now, _digest(enrolment.secret))
    rows.run(
        f"INSERT INTO fleet_hosts ({_COLUMNS}) VALUES (?, ?, ?, ?, 'active', ?, ?, ?, 0, 0, '', 0, '', 0, '') ON CONFLICT (host_id) DO UPDATE SET"  # noqa: S608
        " name = excluded.name, label = excluded.label, status = 'active', policy_name = excluded.policy_name, trust_name = excluded.trust_name",
        enrolment.host_id, enrolment.public, enrolment.name, label, policy_name, trust_name, now,
    )  # fmt: skip
    return _host(rows, enrolment.host_id), ""


def _count(rows: Rows) -> int:
    found = rows.one("SELECT COUNT(*) FROM fleet_hosts")
    return _int(found[0]) if found is not None else 0


# -- each request


def authenticate_host(services: Services, request: Request) -> tuple[Host, SignedRequest]:
    """The enrolled host that asks."""
    signed = read_request(request.authorization)
    with services.database.read() as rows:
        host = _host(rows, signed.key)
    if host is None or host.status != "active":
        raise Refused("registry.fleet", "no host with this key is enrolled here", where=f"key {signed.key[:16]}", hint="enrol it: mpp registry fleet enroll")
    _judge_request(services, signed, request, host.public)
    return host, signed


def _judge_request(services: Services, signed: SignedRequest, request: Request, public: bytes) -> None:
    now = services.clock.now()
    check_request(
        signed, method=request.method, target=request.target, body_sha256=sha256(request.body).hexdigest(), audience=services.settings.registry_id, now=now,
        public=public,
    )  # fmt: skip
    # Attack: the same request once more, within its window.
    with services.database.write() as rows:
        fresh = spend(rows, f"host/{signed.key}/{signed.nonce}", spent_until(signed), now)
    if not fresh:
        raise Refused("registry.replay", "this request was made before", where="nonce", hint="sign it again, with a new nonce")


# -- reading, and going


def _host(rows: Rows, host_id: str) -> Host | None:
    found = rows.one(f"SELECT {_COLUMNS} FROM fleet_hosts WHERE host_id = ?", host_id)  # noqa: S608 - the words are ours
    return None if found is None else _of_row(found)


def _of_row(row: Row) -> Host:
    public = row[1]
    return Host(
        host_id=str(row[0]), public=bytes(public) if isinstance(public, bytes | memoryview) else b"", name=str(row[2]), label=str(row[3]), status=str(row[4]),
        policy_name=str(row[5]), trust_name=str(row[6]), enrolled_at=_int(row[7]), reported_at=_int(row[8]), received_at=_int(row[9]), mpp=str(row[10]),
        policy_version=_int(row[11]), policy_digest=str(row[12]), trust_version=_int(row[13]), trust_digest=str(row[14]),
    )  # fmt: skip


def _int(cell: object) -> int:
    return int(str(cell))


def hosts(rows: Rows, after: str = "", limit: int = PAGE_ITEMS_MAX) -> tuple[Host, ...]:
    """By their ids, from the one after ``after`` on."""
    found = rows.all(f"SELECT {_COLUMNS} FROM fleet_hosts WHERE host_id > ? ORDER BY host_id LIMIT ?", after, limit)  # noqa: S608 - the words are ours
    return tuple(_of_row(row) for row in found)


def names_of(rows: Rows) -> Mapping[str, str]:
    return {str(one): str(name) for one, name in rows.all("SELECT host_id, name FROM fleet_hosts")}


def remove_host(services: Services, beginning: str) -> Host:
    """Out of the fleet: it is answered no more, and its inventory goes. What was witnessed of its record stays."""
    with services.database.write() as rows:
        found = rows.all(f"SELECT {_COLUMNS} FROM fleet_hosts WHERE host_id >= ? AND host_id < ? LIMIT 2", beginning, beginning + "g")  # noqa: S608
        if len(found) != 1 or len(beginning) < 16:
            raise Refused("registry.fleet", f"no single host is meant by {shown(beginning)!r}", hint="give 16 digits or more of its id")
        host = _of_row(found[0])
        rows.run("UPDATE fleet_hosts SET status = 'removed' WHERE host_id = ?", host.host_id)
        for table in ("fleet_installs", "fleet_uses"):
            rows.run(f"DELETE FROM {table} WHERE host_id = ?", host.host_id)  # noqa: S608 - the words are ours
    return host
