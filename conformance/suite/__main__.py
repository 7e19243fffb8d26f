"""The command ``python -m conformance.suite``."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

from conformance.suite.cases import Case, load
from conformance.suite.documents import DocumentCase, DocumentVerdict, OwnDocuments, judge_documents, load_documents, own_adapter
from conformance.suite.hosts import Executable, Host, InProcess, own_executable
from conformance.suite.judge import Verdict, judge
from conformance.suite.privacy import SECONDS_MAX as PRIVACY_SECONDS_MAX
from conformance.suite.privacy import PrivacyCase, PrivacyVerdict, judge_all_privacy, load_privacy

T = TypeVar("T")

SAMPLE = 40
"""Cases that the default run gives to the executable too. Reason: a process start for each would take minutes."""


PRIVACY_SAMPLE = 8
"""Messages that the default run gives to the executable too. Reason: each start compiles some thousand expressions, which takes seconds."""

SPREAD_MIN = 100
"""Cases from which our own host runs in several processes. Reason: for fewer, their start costs more than it saves."""


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.suite", description="Run the conformance vectors against a host (conformance/HOST-CLI.md).")
    parser.add_argument("--host", metavar="CMD", help="the command line of the host; default: our own, in this process, and a sample through its executable")
    parser.add_argument("--documents", metavar="CMD", help="the command line of the host's adapter for documents; default: our own, like --host")
    parser.add_argument("--in-process", action="store_true", help="only our own host, called as a function")
    parser.add_argument("--filter", metavar="GLOB", default="*", help="only cases whose id fits, for example 'archive/*'")
    parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")
    parser.add_argument("-j", metavar="N", type=int, default=2, dest="jobs", help="processes at a time (default 2)")
    return parser.parse_args(given)


def sample(cases: list[T], most: int = SAMPLE) -> list[T]:
    """About ``most`` cases, spread evenly."""
    return cases[:: max(1, -(-len(cases) // most))]


def run_all(cases: list[Case], host: Host, jobs: int) -> list[Verdict]:
    """Every case against ``host``. Our own host moves the working directory of its process, so each job has a process of its own."""
    if jobs < 2 or (isinstance(host, InProcess) and len(cases) < SPREAD_MIN):
        return [judge(case, host) for case in cases]
    if isinstance(host, InProcess):
        with ProcessPoolExecutor(jobs, get_context("spawn")) as spread:
            return list(spread.map(partial(judge, host=host), cases, chunksize=8))
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda case: judge(case, host), cases))


def _verdicts(options: argparse.Namespace, cases: list[Case]) -> list[Verdict]:
    if options.host:
        return run_all(cases, Executable(shlex.split(options.host)), options.jobs)
    found = {verdict.case.id: verdict for verdict in run_all(cases, InProcess(), options.jobs)}
    if not options.in_process:
        for verdict in run_all(sample(cases), own_executable(), options.jobs):
            if found[verdict.case.id].passed and not verdict.passed:
                wrong = tuple(f"through the executable, {fault}" for fault in verdict.wrong)
                found[verdict.case.id] = Verdict(case=verdict.case, wrong=wrong, said=verdict.said)
    return list(found.values())


def _document_verdicts(options: argparse.Namespace, cases: list[DocumentCase]) -> list[DocumentVerdict]:
    if options.documents:
        return judge_documents(cases, Executable(shlex.split(options.documents)), options.jobs)
    found = {verdict.case.id: verdict for verdict in judge_documents(cases, OwnDocuments(), 1)}
    if not options.in_process:
        for verdict in judge_documents(sample(cases), own_adapter(), options.jobs):
            if found[verdict.case.id].passed and not verdict.passed:
                wrong = tuple(f"through the executable, {fault}" for fault in verdict.wrong)
                found[verdict.case.id] = DocumentVerdict(case=verdict.case, wrong=wrong, said=verdict.said)
    return list(found.values())


def _privacy_verdicts(options: argparse.Namespace, cases: list[PrivacyCase]) -> list[PrivacyVerdict]:
    if options.documents:
        return judge_all_privacy(cases, Executable(shlex.split(options.documents), seconds=PRIVACY_SECONDS_MAX), options.jobs)
    found = {verdict.case.id: verdict for verdict in judge_all_privacy(cases, OwnDocuments(), 1)}
    if not options.in_process:
        for verdict in judge_all_privacy(sample(cases, PRIVACY_SAMPLE), own_adapter(PRIVACY_SECONDS_MAX), options.jobs):
            if found[verdict.case.id].passed and not verdict.passed:
                wrong = tuple(f"through the executable, {fault}" for fault in verdict.wrong)
                found[verdict.case.id] = PrivacyVerdict(case=verdict.case, wrong=wrong, said=verdict.said)
    return list(found.values())


def _row(verdict: Verdict | DocumentVerdict | PrivacyVerdict) -> dict[str, object]:
    return {"id": verdict.case.id, "passed": verdict.passed, "wrong": list(verdict.wrong)}


def _wanted(case: Case | DocumentCase | PrivacyCase) -> str:
    if not isinstance(case, Case):
        return case.wanted
    place = "" if case.is_run else f" at check {case.check}"
    return "accepted" if case.accept else f"refused{place} with {case.code}, exit {case.exit}"


def _show(verdict: Verdict | DocumentVerdict | PrivacyVerdict) -> None:
    case = verdict.case
    print(f"FAILED {case.id}: {case.title}")
    print(f"  expected: {_wanted(case)} (spec {', '.join(case.clauses)})")
    for fault in verdict.wrong:
        print(f"  seen:     {fault}")
    for line in verdict.said.strip().splitlines()[-5:]:
        print(f"  said:     {line}")


def main(given: list[str] | None = None) -> int:
    """Run and report; 0 only if there were cases and all passed."""
    options = _arguments(given)
    # A host is one command line, its adapter for documents another: with one of them alone, the vectors of the other are left out.
    cases = load(options.filter) if options.host or not options.documents else []
    documents = load_documents(options.filter) if options.documents or not options.host else []
    messages = load_privacy(options.filter) if options.documents or not options.host else []
    verdicts: list[Verdict | DocumentVerdict | PrivacyVerdict] = [
        *_verdicts(options, cases), *_document_verdicts(options, documents), *_privacy_verdicts(options, messages),
    ]  # fmt: skip
    failed = [verdict for verdict in verdicts if not verdict.passed]
    passed = len(verdicts) - len(failed)
    if options.as_json:
        print(json.dumps({"passed": passed, "failed": len(failed), "cases": [_row(verdict) for verdict in verdicts]}, indent=2))
    else:
        for verdict in failed:
            _show(verdict)
        print(f"{passed} passed, {len(failed)} failed")
        print(f"{passed} of {len(verdicts)}")
    return 0 if verdicts and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
