"""Vectors of documents: read from the disk, asked of an adapter, compared. HOST-CLI.md section 7; our product is not consulted."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import json
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conformance.suite.cases import VECTORS, expand
from conformance.suite.hosts import SECONDS_MAX, SHOWN_MAX, Executable, Host, Outcome, own_executable
from conformance.suite.judge import OUTPUT_BYTES_MAX
from conformance.suite.results import fits

FOLDER = "documents"
CONTEXTS = "contexts"
SCOPE = "scope"
"""Below this key of a result, lists are sets."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCase:
    """One vector: a document, what it is judged with, and what an adapter must answer."""

    id: str
    title: str
    clauses: tuple[str, ...]
    kind: str
    folder: Path
    document: str
    code: str = ""
    context: str = ""
    generate: str = ""

    @property
    def accept(self) -> bool:
        return not self.code

    @property
    def wanted(self) -> str:
        return "accepted" if self.accept else f"refused with {self.code}"

    @property
    def context_file(self) -> Path:
        return self.folder.parents[1] / CONTEXTS / f"{self.context}.json" if self.context else self.folder / "context.json"

    def result(self) -> object:
        """What must come back for a document that is accepted."""
        found: object = json.loads((self.folder / "result.json").read_bytes())
        return found

    def file(self, work: Path) -> Path:
        """The document; made in ``work`` when the vector is a recipe."""
        if not self.generate:
            return self.folder / self.document
        made = work / self.document
        expand(self.generate, (self.folder / "document.part").read_bytes(), made)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentVerdict:
    """One case, asked: what was wrong with the answer. Empty means passed."""

    case: DocumentCase
    wrong: tuple[str, ...]
    said: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong


def read_document_case(folder: Path) -> DocumentCase:
    """The case in ``folder``; whatever its file lacks, or has and should not, is an error of the vector."""
    row = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    if row.pop("accept", False) is not ("code" not in row):
        raise ValueError(folder)
    row["clauses"] = tuple(row["clauses"])
    return DocumentCase(folder=folder, **row)


def load_documents(pattern: str = "*", vectors: Path = VECTORS) -> list[DocumentCase]:
    """All cases whose id fits the glob ``pattern``, by id."""
    cases = [read_document_case(path.parent) for path in sorted((vectors / FOLDER).glob("*/*/case.toml"))]
    return [case for case in cases if fnmatch.fnmatchcase(case.id, pattern)]


def judge_document(case: DocumentCase, host: Host) -> DocumentVerdict:
    """Ask ``host`` about the vector, in an empty folder that must stay empty, and compare."""
    with tempfile.TemporaryDirectory(prefix="mpp-conformance-") as made:
        work = Path(made) / "work"
        work.mkdir()
        outcome = host.run([case.kind, str(case.file(Path(made))), "--with", str(case.context_file), "--json"], work)
        wrong = [*wrong_manners(outcome, work), *wrong_answer(case, outcome)]
    return DocumentVerdict(case=case, wrong=tuple(wrong), said=outcome.err if wrong else "")


def wrong_manners(outcome: Outcome, work: Path) -> list[str]:
    """What an adapter did besides answering."""
    left = sorted(str(path.relative_to(work)) for path in work.rglob("*"))
    wrong = [f"wrote files: {', '.join(left[:5])}"] if left else []
    if outcome.exit is None:
        wrong.append("no answer in time")
    elif outcome.exit:
        wrong.append(f"exit {outcome.exit} is no verdict: the adapter crashed or was not understood")
    return wrong


def wrong_answer(case: DocumentCase, outcome: Outcome) -> list[str]:
    """What is wrong with an answer to the vector."""
    try:
        found: object = json.loads(outcome.out) if len(outcome.out) <= OUTPUT_BYTES_MAX else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return ["standard output is not one JSON object"] if outcome.exit is not None else []
    if found.get("ok") is not case.accept:
        code = found["error"].get("code") if isinstance(found.get("error"), dict) else None
        return [f"should be {case.wanted}, ok is {found.get('ok')!r}, error.code is {code!r}"]
    return _wrong_result(case, found) if case.accept else _wrong_refusal(case, found)


def _wrong_result(case: DocumentCase, found: dict[str, object]) -> list[str]:
    wrong = [] if found.get("error") is None else [f"error should be null, is {_shown(found.get('error'))}"]
    wanted, result = case.result(), found.get("result")
    if not fits(_as_sets(result), _as_sets(wanted), forms=False):
        wrong.append(f"result should be {_shown(wanted)}, is {_shown(result)}")
    return wrong


def _wrong_refusal(case: DocumentCase, found: dict[str, object]) -> list[str]:
    error = found.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    wrong = [] if code == case.code else [f"error.code should be {case.code!r}, is {code!r}"]
    return [*wrong, f"there should be no result, is {_shown(found['result'])}"] if found.get("result") is not None else wrong


def _as_sets(found: object, *, inside: bool = False) -> object:
    """The same with the lists of scopes in one order: what a scope opens does not depend on it."""
    if isinstance(found, dict):
        return {key: _as_sets(item, inside=inside or key == SCOPE) for key, item in found.items()}
    if isinstance(found, list):
        items = [_as_sets(item, inside=inside) for item in found]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if inside else items
    return found


def _shown(found: object) -> str:
    text = json.dumps(found, ensure_ascii=True, sort_keys=True)
    return text if len(text) <= 3 * SHOWN_MAX else f"{text[: 3 * SHOWN_MAX]}…"


class OwnDocuments:
    """Our own adapter, called as a function."""

    def run(self, arguments: list[str], work: Path, home: Path | None = None) -> Outcome:  # noqa: ARG002 - it writes nowhere
        from conformance.hosts.own_documents import run  # noqa: PLC0415 - a foreign host is tested without our product

        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = run(arguments)
            except Exception as fault:  # noqa: BLE001 - whatever escapes is what this suite looks for
                return Outcome(exit=1, out=b"", err=f"{type(fault).__name__} escaped: {fault}"[:SHOWN_MAX])
        return Outcome(exit=code, out=out.getvalue().encode("utf-8"), err=err.getvalue()[-SHOWN_MAX:])


def own_adapter(seconds: float = SECONDS_MAX) -> Executable:
    """Our own adapter, run by the interpreter that runs the suite."""
    path = f"{own_executable().environment['PYTHONPATH']}:{ROOT}"
    return Executable([sys.executable, "-m", "conformance.hosts.own_documents"], seconds=seconds, environment={"PYTHONPATH": path})


def judge_documents(cases: list[DocumentCase], host: Host, jobs: int) -> list[DocumentVerdict]:
    """Every case against ``host``; several at a time if it is an executable."""
    if jobs < 2 or not isinstance(host, Executable):
        return [judge_document(case, host) for case in cases]
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda case: judge_document(case, host), cases))
