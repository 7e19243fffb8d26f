"""What hosts report, and what can be asked of it: where does what run, and where still what was revoked.

A report is the word of its host. A host that is in wrong hands says what it likes about itself, and nothing about others.
"""

from __future__ import annotations

from collections.abc import Iterable

from mpp.errors import Refused
from mpp.host.enrolment.documents import Report
from mpp.host.enrolment.trust_bundle import read_trust_bundle, TrustBody
from mpp.model.value import value

from mpp_registry.fleet.alarms import Alarm, alarm, kept_alarms
from mpp_registry.fleet.hosts import Host, hosts
from mpp_registry.fleet.limits import AGENTS_SHOWN_MAX, CLOCK_SECONDS_MAX, HOSTS_MAX, PAGE_ITEMS_MAX, SILENT_SECONDS
from mpp_registry.fleet.papers import newest, Paper
from mpp_registry.fleet.witness import accept_log, logs_of
from mpp_registry.services import Services
from mpp_registry.store.ports import Row, Rows

STATUSES = ("active", "deprecated", "yanked", "quarantined", "revoked", "unknown")
"""Of a version: as this registry has it, or as the fleet's trust says; ``unknown``: it is not from here."""


def receive(services: Services, host: Host, report: Report) -> int:
    """Keep a report in the place of the one before; how many versions it names. Spec: fleet Q-30, Q-31."""
    now = services.clock.now()
    if report.host_id != host.host_id:
        # Attack: a host that reports for another, to hide what that one runs or to blame it.
        raise Refused("registry.report", "the report is about another host than the one that signed it", where="host_id", hint="report on the host itself")
    with services.database.write() as rows:
        fresh = _newest_report(rows, host.host_id)
        if report.at <= fresh:
            # Attack: a report of yesterday, before something was installed.
            raise Refused(
                "registry.report", "a report of this or a later time is here already", where="at", hint="see whether the clock of the host was set back"
            )
        if abs(report.at - now) > CLOCK_SECONDS_MAX:
            raise Refused("registry.report", f"the report is {now - report.at} seconds old", where="at", hint="set the clock of the host")
        _keep(rows, report, now)
        if report.log_key:
            accept_log(rows, host.host_id, report.log_key, now)
        _judge_log(rows, report, now)
    return len(report.packages)


def _newest_report(rows: Rows, host_id: str) -> int:
    found = rows.one("SELECT reported_at FROM fleet_hosts WHERE host_id = ?", host_id)
    return int(str(found[0])) if found is not None else 0


def _keep(rows: Rows, report: Report, now: int) -> None:
    host_id = report.host_id
    rows.run(
        "UPDATE fleet_hosts SET reported_at = ?, received_at = ?, mpp = ?, policy_version = ?, policy_digest = ?, trust_version = ?, trust_digest = ?"
        " WHERE host_id = ?",
        report.at, now, report.mpp, report.policy.version, report.policy.digest, report.trust.version, report.trust.digest, host_id,
    )  # fmt: skip
    rows.run("DELETE FROM fleet_installs WHERE host_id = ?", host_id)
    rows.run("DELETE FROM fleet_uses WHERE host_id = ?", host_id)
    rows.many(
        "INSERT INTO fleet_installs (host_id, package_id, content_hash, version, publisher_id, file_hash, is_active) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(host_id, one.package_id, one.content_hash, one.version, one.publisher_id, one.file_hash, int(one.active)) for one in report.packages],
    )
    rows.many(
        "INSERT INTO fleet_uses (host_id, package_id, content_hash, agent, calls, last) VALUES (?, ?, ?, ?, ?, ?)",
        [(host_id, one.package_id, one.content_hash, one.agent, one.calls, one.last) for one in report.uses],
    )


def _judge_log(rows: Rows, report: Report, now: int) -> None:
    """Attack: a record whose end was cut off, on a host that simply has it witnessed no more. What was witnessed is longer than what it has."""
    found = logs_of(rows).get(report.host_id)
    if found is not None and found.note and report.log_size < found.size:
        words = f"its record has {report.log_size} entries, and {found.size} were witnessed"
        alarm(rows, report.host_id, "shrunk", now, words, found.note, b"")


# -- the inventory


@value
class Asked:
    """Which rows of the inventory. Empty: all."""

    package_id: str = ""
    status: str = ""
    host_id: str = ""
    only_active: bool = False
    after: str = ""
    limit: int = PAGE_ITEMS_MAX


@value
class Installed:
    """One version on one host."""

    host_id: str
    host: str
    package_id: str
    version: str
    publisher_id: str
    content_hash: str
    file_hash: str
    active: bool
    status: str
    agents: tuple[str, ...]
    agents_count: int
    calls: int
    place: str
    """What the next page begins after."""


def inventory(rows: Rows, asked: Asked) -> tuple[Installed, ...]:
    """By host, package and content. Of what is revoked the fleet's trust and the registry's own state both count."""
    revoked = _revoked_by_trust(rows)
    out: list[Installed] = []
    after = asked.after
    while len(out) < asked.limit:
        page = _page(rows, asked, after)
        for row in page:
            after, status = _place(row), _status(row, revoked)
            # Who called it is looked up for what is shown alone: most rows of a large fleet are not.
            if asked.status in {"", status}:
                out.append(_installed(rows, row, status))
            if len(out) >= asked.limit:
                break
        if len(page) < PAGE_ITEMS_MAX:
            break
    return tuple(out)


def _page(rows: Rows, asked: Asked, after: str) -> list[Row]:
    host, _, rest = after.partition(":")
    package, _, content = rest.partition(":")
    conditions, parameters = (
        ["(i.host_id > ? OR (i.host_id = ? AND (i.package_id > ? OR (i.package_id = ? AND i.content_hash > ?))))"],
        [host, host, package, package, content],
    )
    for column, wanted in (("i.package_id", asked.package_id), ("i.host_id", asked.host_id)):
        if wanted:
            conditions.append(f"{column} = ?")
            parameters.append(wanted)
    if asked.only_active:
        conditions.append("i.is_active = 1")
    sql = (
        "SELECT i.host_id, h.name, i.package_id, i.version, i.publisher_id, i.content_hash, i.file_hash, i.is_active, v.status FROM fleet_installs i"  # noqa: S608
        " JOIN fleet_hosts h ON h.host_id = i.host_id LEFT JOIN log_versions v ON v.package_id = i.package_id AND v.version = i.version"
        f" AND v.content_hash = i.content_hash WHERE {' AND '.join(conditions)} ORDER BY i.host_id, i.package_id, i.content_hash LIMIT {PAGE_ITEMS_MAX}"
    )
    return rows.all(sql, *parameters)


def _status(row: Row, revoked: frozenset[str]) -> str:
    """What the fleet's trust revokes is revoked; of all else the log of this registry says it."""
    publisher_id, content_hash, status = str(row[4]), str(row[5]), str(row[8] or "unknown")
    return "revoked" if content_hash in revoked or publisher_id in revoked else status


def _place(row: Row) -> str:
    """What the next page begins after."""
    return ":".join(str(row[column]) for column in (0, 2, 5))


def _installed(rows: Rows, row: Row, status: str) -> Installed:
    host_id, host, package_id, version, publisher_id, content_hash, file_hash, active = row[:8]
    uses = rows.one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(calls), 0) AS BIGINT) FROM fleet_uses WHERE host_id = ? AND package_id = ? AND content_hash = ?",
        host_id, package_id, content_hash,
    )  # fmt: skip
    agents = rows.all(
        "SELECT agent FROM fleet_uses WHERE host_id = ? AND package_id = ? AND content_hash = ? ORDER BY calls DESC, agent LIMIT ?",
        host_id, package_id, content_hash, AGENTS_SHOWN_MAX,
    )  # fmt: skip
    return Installed(
        host_id=str(host_id), host=str(host), package_id=str(package_id), version=str(version), publisher_id=str(publisher_id),
        content_hash=str(content_hash), file_hash=str(file_hash), active=bool(active), status=status, agents=tuple(str(one) for (one,) in agents),
        agents_count=int(str(uses[0])) if uses else 0, calls=int(str(uses[1])) if uses else 0, place=_place(row),
    )  # fmt: skip


def _revoked_by_trust(rows: Rows) -> frozenset[str]:
    """Contents and publishers that any trust bundle of the fleet revokes."""
    bodies = _trust_bodies(rows)
    return frozenset(one for body in bodies for one in (*body.revoked_content, *body.revoked_publishers))


def _trust_bodies(rows: Rows) -> Iterable[TrustBody]:
    for (name,) in rows.all("SELECT DISTINCT name FROM fleet_documents WHERE kind = 'trust' ORDER BY name LIMIT 100"):
        paper = newest(rows, "trust", str(name))
        if paper is not None:
            yield read_trust_bundle(paper.document, where="trust").body


# -- alarms


class _Newest:
    """The newest of each paper, looked up once for a whole fleet."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._found: dict[tuple[str, str], Paper | None] = {}

    def find(self, kind: str, name: str) -> Paper | None:
        if (kind, name) not in self._found:
            self._found[kind, name] = newest(self._rows, kind, name)
        return self._found[kind, name]


def alarms(rows: Rows, now: int) -> tuple[Alarm, ...]:
    """What was noted, and what the rows show now: who is silent, who is behind, who still runs what was revoked."""
    found, papers = list(kept_alarms(rows)), _Newest(rows)
    for host in _all_hosts(rows):
        if host.status == "active":
            found += _behind(papers, host, now)
    running: dict[str, int] = {}
    for one in inventory(rows, Asked(status="revoked", only_active=True)):
        running[one.host_id] = running.get(one.host_id, 0) + 1
    found += [Alarm(host_id=host_id, kind="revoked", at=now, words=f"it still runs {count} revoked versions") for host_id, count in running.items()]
    return tuple(sorted(found, key=lambda one: (one.host_id, one.kind)))


def _all_hosts(rows: Rows) -> Iterable[Host]:
    after, left = "", HOSTS_MAX
    while left > 0:
        page = hosts(rows, after)
        yield from page
        left -= PAGE_ITEMS_MAX
        if len(page) < PAGE_ITEMS_MAX:
            return
        after = page[-1].host_id


def _behind(papers: _Newest, host: Host, now: int) -> list[Alarm]:
    last = host.received_at or host.enrolled_at
    out: list[Alarm] = []
    if now - last > SILENT_SECONDS:
        words = f"it has not reported for {(now - last) // 3600} hours" if host.received_at else "it has never reported"
        out.append(Alarm(host_id=host.host_id, kind="silent", at=last, words=words))
    for kind, name, version in (("policy", host.policy_name, host.policy_version), ("trust", host.trust_name, host.trust_version)):
        paper = papers.find(kind, name) if name else None
        if paper is not None and host.received_at >= paper.at and version < paper.version:
            words = f"it reports version {version} of the {kind} {name}, and {paper.version} is here" if version else f"it reports no {kind}"
            out.append(Alarm(host_id=host.host_id, kind=f"{kind}-behind", at=paper.at, words=words))
    return out
