"""What this host says of itself to its fleet: what is installed, which agents called it, which policy and trust hold, how long its record is.

Nothing of a call is in it: no arguments, no results, no user.
"""

from __future__ import annotations

from dataclasses import replace

from mpp.errors import MppError, Refused
from mpp.host.audit.counting import count
from mpp.host.audit.index import ask as ask_index
from mpp.host.audit.reader import LogReader
from mpp.host.enrolment.asking import Asking
from mpp.host.enrolment.documents import AGENT_CHARS_MAX, InForce, NOTHING_IN_FORCE, Report, Runs, Used, write_report
from mpp.host.enrolment.joining import log_key_of
from mpp.host.enrolment.limits import REPORT_PACKAGES_MAX, REPORT_USES_MAX, USE_DAYS
from mpp.host.enrolment.state import Enrolled, EnrolmentFile
from mpp.host.home import Home
from mpp.host.policy_memory import PolicyMemory
from mpp.host.store.disk import load_lock, places_of
from mpp.limits import DAY_SECONDS, KIB
from mpp.model.jsontext import shown
from mpp.model.names import PACKAGE_ID, SHA256_HEX

ANSWER_BYTES_MAX = 16 * KIB
"""Bytes of the answer to a report. Reason: it says how much was taken."""


def make_report(home: Home, state: Enrolled, now: int, mpp: str, owners: tuple[int, ...]) -> Report:
    packages = tuple(
        Runs(
            package_id=one.package_id, version=one.version, publisher_id=one.publisher_id, content_hash=one.content_hash, file_hash=one.file_hash,
            active=one.active,
        )
        for one in load_lock(places_of(home)).rows()
    )  # fmt: skip
    if len(packages) > REPORT_PACKAGES_MAX:
        raise Refused("registry.report", f"a report names at most {REPORT_PACKAGES_MAX} versions", hint="uninstall versions that are not served")
    return Report(
        host_id=state.host_id, at=max(now, state.reported_at + 1), mpp=mpp, log_key=log_key_of(home), log_size=_log_size(home), policy=_policy(home, state, owners),
        trust=InForce(name=state.trust.name, version=state.trust.version, digest=state.trust.digest), packages=packages, uses=_uses(home, now),
    )  # fmt: skip


def _log_size(home: Home) -> int:
    reader = LogReader(home.log)
    try:
        return reader.checkpoint()[1].size if reader.is_there() else 0
    except MppError:
        return 0


def _policy(home: Home, state: Enrolled, owners: tuple[int, ...]) -> InForce:
    """The newest fleet policy that this home has accepted."""
    mark = PolicyMemory(home.policy, owners).seen().marks.get((state.fleet_id, "fleet"))
    return NOTHING_IN_FORCE if mark is None else InForce(name=mark.name, version=mark.version, digest=mark.digest)


def _uses(home: Home, now: int) -> tuple[Used, ...]:
    """Which agents called what, by the record. Older servers have no content, and are no packages."""
    if not LogReader(home.log).is_there():
        return ()
    found: dict[tuple[str, str, str], Used] = {}
    for one in ask_index(home.log, lambda connection: count(connection, now - USE_DAYS * DAY_SECONDS, None)).uses:
        content = one.content.removeprefix("sha256:")
        if PACKAGE_ID.fullmatch(one.package) is None or SHA256_HEX.fullmatch(content) is None:
            continue
        key = (shown(one.agent, AGENT_CHARS_MAX), one.package, content)
        before = found.get(key)
        calls, last = (before.calls, before.last) if before is not None else (0, 0)
        found[key] = Used(agent=key[0], package_id=key[1], content_hash=content, calls=calls + one.calls, last=max(last, one.last))
    return tuple(sorted(found.values(), key=lambda one: (-one.calls, one.agent, one.package_id, one.content_hash))[:REPORT_USES_MAX])


def send_report(home: Home, asking: Asking, report: Report) -> None:
    asking.ask("POST", "/v1/fleet/reports", ANSWER_BYTES_MAX, write_report(report))
    EnrolmentFile(home).change(lambda state: _reported(state, report.at))


def _reported(state: Enrolled | None, at: int) -> Enrolled:
    if state is None:
        raise Refused("policy.enrolment", "this home is in no fleet any more", hint="enrol it anew")
    return replace(state, reported_at=at)
