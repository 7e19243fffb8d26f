"""The official conformance suite, run as its authors run it, and its verdicts beside those that are expected."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from interop.home import FailedError
from interop.npm import Npm

EXPECTED = Path(__file__).resolve().parent / "expected.json"
REVISIONS = ("2026-07-28", "2025-11-25")
LISTENING = ("2026-07-28", "server-stateless")
"""The scenario that listens for changes of lists, which have to come from outside: no tool of a package can change them."""
OLDER = " through an older server"
OLDER_ERA = " through a server of the older era"
"""What is added to the name of a revision in the list of what is expected, where the tools are those of an older server behind MPP."""
LOGINS = "logins"
LOGIN_CLIENT = Path(__file__).resolve().parent / "clients" / "login_client.py"
LOGIN_SECONDS_MAX = 120
SUITE_SECONDS_MAX = 600
TRIES_MAX = 4
BAD = frozenset(("FAILURE", "WARNING"))


class Verdict(NamedTuple):
    """One scenario: how many of its checks hold, and which do not."""

    scenario: str
    held: int
    broken: tuple[str, ...]
    """``FAILURE id: words``, sorted."""


def run_suite(npm: Npm, url: str, revision: str, out: Path) -> list[Verdict]:
    """All scenarios that a revision demands, and those that it only looks at."""
    return _run(npm, url, out, "--requirements", revision)


def run_again(npm: Npm, url: str, revision: str, out: Path, found: list[Verdict], scenario: str) -> list[Verdict]:
    """The same, with one scenario that is run once more: under other circumstances. It waits a second and a half for a change, and half a second for a first word,
    so a busy machine gets more tries: what holds in one of them holds.
    """
    tries: list[Verdict] = []
    broken: set[str] = set()
    while len(tries) < TRIES_MAX and (broken or not tries):
        (one,) = _run(npm, url, out / str(len(tries)), "--scenario", scenario, "--spec-version", revision)
        broken = broken & set(one.broken) if tries else set(one.broken)
        tries.append(one)
    return [*(one for one in found if one.scenario != scenario), tries[-1]._replace(broken=tuple(sorted(broken)))]


def run_logins(npm: Npm, out: Path) -> list[Verdict]:
    """The scenarios in which a client logs in at a server, each with ``mpp legacy add --oauth`` as the client."""
    wanted = json.loads(EXPECTED.read_text(encoding="utf-8"))[LOGINS]
    found = []
    for scenario in dict.fromkeys((*wanted["scored"], *wanted["faults"])):
        place = out / scenario
        command = [*npm.node("@modelcontextprotocol/conformance/dist/index.js"), "client", "--scenario", scenario, "-o", str(place)]
        command += ["--command", f"{sys.executable} {LOGIN_CLIENT}", "--timeout", str(LOGIN_SECONDS_MAX * 1000)]
        subprocess.run(command, capture_output=True, text=True, timeout=SUITE_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
        found += [_verdict(path)._replace(scenario=scenario) for path in place.glob("**/checks.json")]
    return found


def _run(npm: Npm, url: str, out: Path, *what: str) -> list[Verdict]:
    command = [*npm.node("@modelcontextprotocol/conformance/dist/index.js"), "server", "--url", url, *what, "-o", str(out)]
    # Its exit code says whether all that is scored passed; what is read here says more.
    done = subprocess.run(command, capture_output=True, text=True, timeout=SUITE_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    found = [_verdict(path) for path in sorted(out.glob("server-*/checks.json"))]
    if not found:
        raise FailedError(f"the suite said nothing:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return found


def _verdict(path: Path) -> Verdict:
    checks = json.loads(path.read_text(encoding="utf-8"))
    name = path.parent.name.removeprefix("server-")
    # The folder ends with a moment: server-NAME-2026-11-26T22-21-09-755Z.
    scenario = name.rsplit("-", 6)[0]
    broken = sorted({f"{one['status']} {one['id']}" for one in checks if one["status"] in BAD})
    return Verdict(scenario=scenario, held=sum(one["status"] == "SUCCESS" for one in checks), broken=tuple(broken))


class Compared(NamedTuple):
    """What came out, beside what was expected."""

    passed: int
    expected_faults: int
    surprises: tuple[str, ...]


def compare(name: str, found: list[Verdict]) -> Compared:
    """Every fault must be expected, every expected fault must be there still, and no scenario may be missing."""
    wanted = json.loads(EXPECTED.read_text(encoding="utf-8"))[name]
    faults = {f"{one.scenario}: {words}" for one in found for words in one.broken}
    known = {f"{scenario}: {words}" for scenario, listed in wanted["faults"].items() for words in listed}
    there = {one.scenario for one in found}
    surprises = [f"not expected: {one}" for one in sorted(faults - known)]
    surprises += [f"expected and not there any more: {one}" for one in sorted(known - faults)]
    surprises += [f"the scenario was not run: {one}" for one in sorted(set(wanted["scored"]) - there)]
    surprises += [f"a scored scenario has an expected fault: {one}" for one in sorted(set(wanted["scored"]) & set(wanted["faults"]))]
    passed = sum(not one.broken and one.scenario in wanted["scored"] for one in found)
    return Compared(passed=passed, expected_faults=len(faults & known), surprises=tuple(surprises))
