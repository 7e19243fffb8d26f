"""Vectors of the privacy filter: read from the disk, asked of an adapter, compared. HOST-CLI.md section 8; our product is not consulted."""

from __future__ import annotations

import fnmatch
import json
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conformance.suite.cases import VECTORS
from conformance.suite.documents import wrong_manners
from conformance.suite.hosts import SHOWN_MAX, Executable, Host, Outcome
from conformance.suite.judge import OUTPUT_BYTES_MAX
from conformance.suite.results import fits

FOLDER = "privacy"
KIND = "privacy"

SECONDS_MAX = 60.0
"""Seconds for one message. Reason: a filter may compile its expressions at each start, and two start at a time on a busy machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyCase:
    """One vector: a message, the rules it is filtered by, and what must and must not be in what comes back."""

    id: str
    title: str
    clauses: tuple[str, ...]
    folder: Path
    gone: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    """``type=number`` of all that must be counted; if empty, counts are free."""
    same: bool = False
    """The message must come back as it is."""
    withheld: str = ""
    """The code with which it must be withheld; a family alone means any code of it."""

    @property
    def wanted(self) -> str:
        return f"withheld with {self.withheld}" if self.withheld else "passed on as it is" if self.same else "filtered and passed on"

    @property
    def message(self) -> object:
        found: object = json.loads((self.folder / "input.json").read_bytes())
        return found

    @property
    def form(self) -> object:
        """What the message must be, where the vector says it in full; else None."""
        path = self.folder / "message.json"
        return json.loads(path.read_bytes()) if path.is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyVerdict:
    """One case, asked: what was wrong with the answer. Empty means passed."""

    case: PrivacyCase
    wrong: tuple[str, ...]
    said: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong


def read_privacy_case(folder: Path) -> PrivacyCase:
    """The case in ``folder``; whatever its file lacks, or has and should not, is an error of the vector."""
    row = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    row |= {key: tuple(row.get(key, ())) for key in ("clauses", "gone", "stays", "counts")}
    return PrivacyCase(folder=folder, **row)


def load_privacy(pattern: str = "*", vectors: Path = VECTORS) -> list[PrivacyCase]:
    """All cases whose id fits the glob ``pattern``, by id."""
    cases = [read_privacy_case(path.parent) for path in sorted((vectors / FOLDER).glob("*/*/case.toml"))]
    return [case for case in cases if fnmatch.fnmatchcase(case.id, pattern)]


def judge_privacy(case: PrivacyCase, host: Host) -> PrivacyVerdict:
    """Ask ``host`` about the vector, in an empty folder that must stay empty, and compare."""
    with tempfile.TemporaryDirectory(prefix="mpp-conformance-") as made:
        work = Path(made) / "work"
        work.mkdir()
        outcome = host.run([KIND, str(case.folder / "input.json"), "--with", str(case.folder / "context.json"), "--json"], work)
        wrong = [*wrong_manners(outcome, work), *wrong_filtering(case, outcome)]
    return PrivacyVerdict(case=case, wrong=tuple(wrong), said=outcome.err if wrong else "")


def judge_all_privacy(cases: list[PrivacyCase], host: Host, jobs: int) -> list[PrivacyVerdict]:
    """Every case against ``host``; several at a time if it is an executable."""
    if jobs < 2 or not isinstance(host, Executable):
        return [judge_privacy(case, host) for case in cases]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda case: judge_privacy(case, host), cases))


def wrong_filtering(case: PrivacyCase, outcome: Outcome) -> list[str]:
    """What is wrong with an answer to the vector."""
    try:
        found: object = json.loads(outcome.out) if len(outcome.out) <= OUTPUT_BYTES_MAX else None
    except (ValueError, RecursionError):
        found = None
    result = found.get("result") if isinstance(found, dict) and found.get("ok") is True and found.get("error") is None else None
    if not isinstance(result, dict) or result.keys() != {"message", "counts", "withheld"}:
        return ["standard output is not one JSON object with ok, no error and a result of message, counts and withheld"] if outcome.exit is not None else []
    if not _is_withheld_so(str(result["withheld"]), case.withheld):
        return [f"should be {case.wanted}, withheld is {_shown(result['withheld'])}"]
    if case.withheld:
        return [] if result["message"] is None else ["a withheld message is shown"]
    return [*_wrong_message(case, result["message"]), *_wrong_counts(case, result["counts"])]


def _is_withheld_so(found: str, wanted: str) -> bool:
    return found == wanted or bool(wanted and "." not in wanted and found.startswith(f"{wanted}."))


def _wrong_message(case: PrivacyCase, message: object) -> list[str]:
    text = json.dumps(message, ensure_ascii=False)
    wrong = [f"{_shown(one)} should be gone" for one in case.gone if _holds(text, one)]
    wrong += [f"{_shown(one)} should have stayed, the message is {_shown(message)}" for one in case.stays if not _holds(text, one)]
    wanted = case.message if case.same else case.form
    if (case.same or wanted is not None) and not fits(message, wanted, forms=not case.same):
        wrong.append(f"the message should be {_shown(wanted)}, is {_shown(message)}")
    return wrong


def _holds(text: str, one: str) -> bool:
    """As it stands in a text, or as JSON writes it there."""
    return one in text or json.dumps(one, ensure_ascii=False)[1:-1] in text


def _wrong_counts(case: PrivacyCase, counts: object) -> list[str]:
    if not case.counts:
        return [f"nothing should be counted, but {_shown(counts)}"] if case.same and counts != {} else []
    wanted = {name: int(number) for name, _, number in (one.partition("=") for one in case.counts)}
    return [] if fits(counts, wanted, forms=False) else [f"counts should be {_shown(wanted)}, are {_shown(counts)}"]


def _shown(found: object) -> str:
    text = json.dumps(found, ensure_ascii=True, sort_keys=True)
    return text if len(text) <= 2 * SHOWN_MAX else f"{text[: 2 * SHOWN_MAX]}…"
