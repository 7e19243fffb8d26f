"""Is an answer the right one? Nothing but HOST-CLI.md decides; our product is not consulted."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from conformance.suite.cases import Case
from conformance.suite.hosts import Host, Outcome
from conformance.suite.results import wrong_result

VERDICTS = frozenset((0, *range(11, 18), 20))
"""The exit codes of verdicts; with any other the host did not judge."""

RUN_VERDICTS = VERDICTS | {21, 22, 30, 31}
"""The exit codes of calls."""

OUTPUT_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of an answer. Reason: inspect lists up to 4,096 members; more is a host that does not stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One case, run: what was wrong with the answer, in whole words. Empty means passed."""

    case: Case
    wrong: tuple[str, ...]
    said: str = ""
    """What the host wrote besides its answer, when something was wrong."""

    @property
    def passed(self) -> bool:
        return not self.wrong


def judge(case: Case, host: Host) -> Verdict:
    """Ask ``host`` about the vector and compare."""
    return judge_run(case, host) if case.is_run else judge_file(case, host)


def judge_file(case: Case, host: Host) -> Verdict:
    """Ask ``host`` to verify and to inspect the vector, each in an empty home."""
    with tempfile.TemporaryDirectory(prefix="mpp-conformance-") as made:
        room = Path(made)
        file = str(case.file(room))
        asked = (
            ("verify", ["verify", file, "--trust", str(case.trust), "--now", str(case.now), "--json"], _wrong_verify),
            ("inspect", ["inspect", file, "--json"], _wrong_inspect),
        )
        wrong: list[str] = []
        said = ""
        for name, arguments, compare in asked:
            work = room / name
            work.mkdir()
            outcome = host.run(arguments, work)
            faults = [*_wrong_manners(outcome, work), *compare(case, outcome)]
            wrong += [f"{name}: {fault}" for fault in faults]
            said = said or (outcome.err if faults else "")
    return Verdict(case=case, wrong=tuple(wrong), said=said)


def judge_run(case: Case, host: Host) -> Verdict:
    """Ask ``host`` to call a tool of the vector, in a home that holds the trust document and nothing else."""
    with tempfile.TemporaryDirectory(prefix="mpp-conformance-") as made:
        room = Path(made)
        work, home = room / "run", room / "home"
        work.mkdir()
        (home / "trust").mkdir(mode=0o700, parents=True)
        home.chmod(0o700)
        trust = home / "trust" / "trust.json"
        trust.write_bytes(case.trust.read_bytes())
        trust.chmod(0o600)
        limit = ["--timeout", str(case.timeout_ms)] if case.timeout_ms else []
        outcome = host.run(["run", str(case.file(room)), "--tool", case.tool, "--args", case.arguments, "--yes", *limit, "--json"], work, home)
        wrong = [*_wrong_manners(outcome, work, RUN_VERDICTS), *wrong_run(case, outcome)]
    return Verdict(case=case, wrong=tuple(f"run: {fault}" for fault in wrong), said=outcome.err if wrong else "")


def wrong_run(case: Case, outcome: Outcome) -> list[str]:
    """What is wrong with the answer to a call."""
    answer = _answer(outcome)
    if answer is None:
        return ["standard output is not one JSON object"] if outcome.exit is not None else []
    wanted: dict[str, object] = {"ok": False, "error.code": case.code} if case.code else {"ok": True, "error": None}
    return _wrong_exit(outcome, case.exit, RUN_VERDICTS) + _differences(answer, wanted) + wrong_result(case, answer.get("result"))


def _wrong_manners(outcome: Outcome, work: Path, verdicts: frozenset[int] = VERDICTS) -> list[str]:
    """A host that crashes, hangs or leaves something behind is wrong, whatever it answers."""
    left = sorted(str(path.relative_to(work)) for path in work.rglob("*"))
    wrong = [f"wrote files: {', '.join(left[:5])}"] if left else []
    if outcome.exit is None:
        wrong.append("no answer in time")
    elif outcome.exit not in verdicts:
        wrong.append(f"exit {outcome.exit} is no verdict: the host crashed or was not understood")
    return wrong


def _answer(outcome: Outcome) -> dict[str, object] | None:
    """The one JSON object on standard output."""
    try:
        found = json.loads(outcome.out) if len(outcome.out) <= OUTPUT_BYTES_MAX else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _at(answer: dict[str, object], path: str) -> object:
    found: object = answer
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _differences(answer: dict[str, object], wanted: dict[str, object]) -> list[str]:
    return [f"{path} should be {item!r}, is {_at(answer, path)!r}" for path, item in wanted.items() if not _same(_at(answer, path), item)]


def _same(found: object, wanted: object) -> bool:
    """Equal and of one type: to Python 0 equals false, to other languages it does not."""
    return type(found) is type(wanted) and found == wanted


def _wrong_exit(outcome: Outcome, wanted: int, verdicts: frozenset[int] = VERDICTS) -> list[str]:
    return [f"exit should be {wanted}, is {outcome.exit}"] if outcome.exit in verdicts and outcome.exit != wanted else []


def _refusal(case: Case) -> dict[str, object]:
    return {"ok": False, "error.code": case.code, "error.check": case.check, "error.stage": case.stage}


def _wrong_verify(case: Case, outcome: Outcome) -> list[str]:
    answer = _answer(outcome)
    if answer is None:
        return ["standard output is not one JSON object"] if outcome.exit is not None else []
    wanted = _refusal(case)
    if case.accept:
        identity = {"package_id": case.package_id, "version": case.version, "content_hash": case.content_hash, "publisher.id": case.publisher_id}
        wanted = {"ok": True, "error": None, **identity}
    return _wrong_exit(outcome, case.exit) + _differences(answer, wanted)


def _wrong_inspect(case: Case, outcome: Outcome) -> list[str]:
    """Inspect refuses what is no archive, and shows everything else, whoever signed it."""
    answer = _answer(outcome)
    if answer is None:
        return ["standard output is not one JSON object"] if outcome.exit is not None else []
    if case.stage == "archive":
        return _wrong_exit(outcome, case.exit) + _differences(answer, _refusal(case))
    if not case.accept:
        return _wrong_exit(outcome, 0)
    identity = {"content_hash": case.content_hash, "seal.publisher_id": case.publisher_id}
    wanted = {"ok": True, "manifest.package_id": case.package_id, "manifest.version": case.version, **identity}
    return _wrong_exit(outcome, 0) + _differences(answer, wanted)
