"""Tests of a policy: calls that are supposed, and what it should say of each."""

from __future__ import annotations

import datetime as dt
import tomllib

from mpp.cli.options import parse_time
from mpp.cli.policy_files import count
from mpp.cli.screen import CROSS, mark, put_json, say, TICK
from mpp.errors import Refused
from mpp.files import read_bounded
from mpp.limits import MIB
from mpp.model.agents import LEVELS, AgentIdentity
from mpp.model.capabilities import Hardware, NetworkRule, Secret
from mpp.model.fields import Faults, Fields
from mpp.model.hostpattern import HOST_PATTERN_MAX, read_host_pattern
from mpp.model.hosts import WEB_PORTS
from mpp.model.jsontext import Json, read
from mpp.model.limits import KV_BYTES_MAX, PACKAGE_ID_MAX, PATH_CHARS_MAX
from mpp.model.manifest import SECURITY_LEVELS
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, version_key
from mpp.model.scope import Scope
from mpp.model.value import value
from mpp.stages.policy import EFFECTS, ORIGINS, Asked, Policies, Risk, Verdict, band_of

CASES_MAX = 10_000
"""Cases of one file. Reason: as many as a policy has rules; each is judged in microseconds."""

CASES_BYTES_MAX = 8 * MIB
"""Bytes of a file of cases. Reason: the most cases, each with a page of arguments."""

CASE_TEXT_MAX = 300
"""Characters of one text of a case. Reason: names are shorter; each stands on one line."""

CASE_ITEMS_MAX = 256
"""Items of one list of a case. Reason: a manifest declares no more."""

FAILED_EXIT = 23
"""Exit code when a case does not hold: that of the policy family."""

ANYBODY = "0" * 64


@value
class Case:
    name: str
    asked: Asked
    expect: str
    rule: str
    """The rule that must decide; empty: whichever does."""


@value
class Outcome:
    case: Case
    verdict: Verdict

    @property
    def holds(self) -> bool:
        case, decisive = self.case, self.verdict.decisive
        return self.verdict.effect == case.expect and case.rule in {"", decisive.rule}

    def words(self) -> str:
        decisive = self.verdict.decisive
        by = f"by {decisive.layer} rule {decisive.rule}"
        if self.holds:
            return f"{self.verdict.effect} {by}"
        wanted = self.case.expect + (f" by rule {self.case.rule}" if self.case.rule else "")
        return f"expected {wanted}, found {self.verdict.effect} {by}"


def run_cases(path: str, policies: Policies, by: str, now: int, *, as_json: bool) -> int:
    """Judge each case; the exit code is 0 only if all hold."""
    outcomes = [Outcome(case=case, verdict=policies.evaluate(case.asked)) for case in read_cases(path, now)]
    failed = sum(not one.holds for one in outcomes)
    if as_json:
        rows: list[Json] = [
            {"name": one.case.name, "ok": one.holds, "expected": one.case.expect, "found": one.verdict.effect, "rule": one.verdict.decisive.rule}
            for one in outcomes
        ]
        put_json({"ok": failed == 0, "judged_by": by, "cases": rows, "failed": failed})
    else:
        for one in outcomes:
            say("  ", mark(TICK if one.holds else CROSS), f" {one.case.name}: {one.words()}")
        say(f"{count(len(outcomes), 'case')} judged by {by}; " + (f"{failed} failed" if failed else "all hold"))
    return FAILED_EXIT if failed else 0


def read_cases(path: str, now: int) -> tuple[Case, ...]:
    """A file of cases in TOML or JSON. ``given`` at its top holds for each case that says nothing else."""
    faults = Faults("policy")
    fields = Fields(_document(read_bounded(path, CASES_BYTES_MAX), path), path, faults)
    shared = fields.object("given", required=False)
    common = shared.found if shared is not None else {}
    cases = fields.each("cases", lambda item, at: _read_case(Fields(item, at, faults), common, now), most=CASES_MAX, required=True, least=1)
    fields.end()
    faults.stop()
    return cases


def _document(data: bytes, where: str) -> Json:
    if data.lstrip(b" \t\r\n").startswith(b"{"):
        return read(data, family="policy", where=where)
    try:
        return _plain(tomllib.loads(data.decode("utf-8")))
    except (ValueError, RecursionError) as fault:
        raise Refused("policy.toml", f"not TOML: {str(fault)[:200]}", where=where, hint="mend the syntax at that place") from None


def _plain(found: object) -> Json:
    """The same as JSON; a date becomes its text, which arguments hold too."""
    if isinstance(found, dict):
        return {str(key): _plain(item) for key, item in found.items()}
    if isinstance(found, list):
        return [_plain(item) for item in found]
    if isinstance(found, dt.date | dt.time):
        return found.isoformat()
    return found if isinstance(found, bool | int | float | str) else None


def _read_case(fields: Fields, common: dict[str, Json], now: int) -> Case:
    own = fields.object("given", required=False)
    given = Fields({**common, **(own.found if own is not None else {})}, fields.path("given"), fields.faults)
    case = Case(
        name=fields.text("name", most=CASE_TEXT_MAX),
        expect=fields.one_of("expect", EFFECTS),
        rule=fields.text("rule", most=CASE_TEXT_MAX, default="", least=0),
        asked=_read_asked(given, now),
    )
    given.end()
    fields.end()
    return case


def _text(fields: Fields, key: str, default: str = "") -> str:
    return fields.text(key, most=CASE_TEXT_MAX, default=default, least=0)


def _read_asked(given: Fields, now: int) -> Asked:
    score = given.number("risk", least=0, most=100, default=0)
    level = given.one_of("level", SECURITY_LEVELS, default="low")
    agent = _text(given, "agent")
    sure = given.one_of("agent_level", LEVELS, default="launched" if agent else "anonymous")
    return Asked(
        publisher_id=given.text("publisher", most=64, default=ANYBODY, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        package_id=given.text("package", most=PACKAGE_ID_MAX, default="com.example.tool", pattern=PACKAGE_ID, form=PACKAGE_ID_FORM),
        version=_version(given),
        content_hash=ANYBODY,
        bound=given.flag("bound", default=True),
        tool=_text(given, "tool", "call"),
        security_level=level,
        arguments=given.raw("arguments", required=False) if given.has("arguments") else {},
        agent=AgentIdentity(name=agent, level=sure if sure in LEVELS else "anonymous"),
        user=_text(given, "user"),
        origin=given.one_of("origin", ORIGINS, default="human"),
        now=_moment(given, now),
        risk=Risk(score=score, band=max(band_of(min(score, 100)), level, key=_rank), reasons=()),
        consented=given.flag("consented", default=False),
        scope=_read_scope(given),
        internal_hosts=given.texts("internal_hosts", most=CASE_ITEMS_MAX, each_most=HOST_PATTERN_MAX),
    )


def _rank(level: str) -> int:
    return SECURITY_LEVELS.index(level) if level in SECURITY_LEVELS else 0


def _version(given: Fields) -> str:
    found = _text(given, "version", "1.0.0")
    if version_key(found) is None:
        given.faults.add("form", given.path("version"), "is no version", "write a whole version such as 1.2.0")
    return found


def _moment(given: Fields, now: int) -> int:
    text = _text(given, "at")
    if not text:
        return now
    try:
        return parse_time(text, given.path("at"))
    except Refused as fault:
        given.faults.add("form", given.path("at"), fault.message, fault.hint)
        return now


def _read_scope(given: Fields) -> Scope:
    hosts = given.texts("hosts", most=CASE_ITEMS_MAX, each_most=HOST_PATTERN_MAX)
    network = []
    for i, one in enumerate(hosts):
        found = read_host_pattern(one, f"{given.path('hosts')}/{i}", given.faults)
        if found is not None:
            port = found.port or WEB_PORTS["https"]
            network.append(NetworkRule(host=found.host, wildcard=found.wildcard, schemes=("https",), ports=(port,), methods=(), paths=()))
    tool = _text(given, "tool", "call")
    return Scope(
        network=tuple(network),
        read=given.texts("read", most=CASE_ITEMS_MAX, each_most=PATH_CHARS_MAX),
        write=given.texts("write", most=CASE_ITEMS_MAX, each_most=PATH_CHARS_MAX),
        env=given.texts("env", most=CASE_ITEMS_MAX, each_most=CASE_TEXT_MAX),
        secrets=tuple(Secret(name=one, host="", header="", format="") for one in given.texts("secrets", most=CASE_ITEMS_MAX, each_most=CASE_TEXT_MAX)),
        kv_max_bytes=given.number("kv", least=0, most=KV_BYTES_MAX, default=0),
        devices=tuple(Hardware(device="device", path=one, mode="rw") for one in given.texts("devices", most=CASE_ITEMS_MAX, each_most=PATH_CHARS_MAX)),
        tools=(tool,) if tool else (),
    )
