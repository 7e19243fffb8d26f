"""``make interop``: real clients that others wrote, against MPP, and a table of what came out.

    python -m tools.interop                       all of them
    python -m tools.interop --only suite          the official conformance suite
    python -m tools.interop --work FOLDER         where clients are installed; kept between runs

Clients are installed at the versions that interop/package.json and interop/environments.py name, from the registries of npm and PyPI, outside of the project.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from interop import others, suite
from interop.home import FailedError, HomeFolder
from interop.npm import Npm
from interop.others import Met
from interop.serving import changing, served

PARTS = ("suite", "older", "inspector", "sdk", "clients", "frameworks", "logins")


def default_work() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    return Path(base if os.path.isabs(base) else os.path.expanduser("~/.cache")) / "mpp-interop"


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.interop", description="Real clients against MPP.")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part; may be repeated")
    parser.add_argument("--work", type=Path, default=default_work(), help="where clients are installed")
    options = parser.parse_args(given)
    parts = tuple(options.only or PARTS)
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="mpp-interop-") as folder:
            found = list(_shown(_run(parts, options.work.resolve(), Path(folder))))
    except FailedError as fault:
        sys.stderr.write(f"error: {fault}\n")
        return 1
    wrong = [one for one in found if one.wrong]
    sys.stdout.write(f"\n{len(found) - len(wrong)} of {len(found)} as expected, in {time.monotonic() - begun:.0f} s\n")
    return 1 if wrong else 0


def _run(parts: tuple[str, ...], work: Path, folder: Path) -> Iterator[Met]:
    home = HomeFolder(folder / "fixtures")
    home.make()
    yield Met("fixture packages built, signed, installed", "")
    npm = Npm(work / "npm")
    if {"suite", "older", "inspector", "logins"} & set(parts):
        npm.install()
    environments = work / "environments"
    with served(home, "--plain-names") as url:
        if "suite" in parts:
            yield from _suite(npm, url, folder / "direct", changes=lambda: changing(home))
        if "inspector" in parts:
            yield from others.inspector(npm, home, url)
        if "sdk" in parts:
            yield from others.sdk(environments, home, url)
    for way in (suite.OLDER, suite.OLDER_ERA) if "older" in parts else ():
        beside = HomeFolder(folder / way.strip().replace(" ", "-"))
        beside.beside(home, older_era=way == suite.OLDER_ERA)
        with served(beside, "--plain-names") as url:
            yield from _suite(npm, url, folder / "proxied" / beside.folder.name, way, changes=lambda: changing(home))
    if "clients" in parts:
        yield from others.clients(environments, home)
    if "frameworks" in parts:
        yield from others.frameworks(environments, home)
    if "logins" in parts:
        compared = suite.compare(suite.LOGINS, suite.run_logins(npm, folder / "logins"))
        counted = f"{compared.passed} scenarios without a fault or warning, {compared.expected_faults} expected faults elsewhere"
        yield Met(f"official suite, logging in: {counted}", "\n".join(compared.surprises))


def _suite(npm: Npm, url: str, out: Path, way: str = "", *, changes: Callable[[], AbstractContextManager[None]]) -> Iterator[Met]:
    for revision in suite.REVISIONS:
        found = suite.run_suite(npm, url, revision, out / revision)
        if revision == suite.LISTENING[0]:
            # Not all the while: other scenarios read a list twice and compare.
            with changes():
                found = suite.run_again(npm, url, revision, out / "listening", found, suite.LISTENING[1])
        compared = suite.compare(revision + way, found)
        counted = f"{compared.passed} scenarios without a fault or warning, {compared.expected_faults} expected faults elsewhere"
        yield Met(f"official suite, {revision}{way}: {counted}", "\n".join(compared.surprises))


def _shown(found: Iterator[Met]) -> Iterator[Met]:
    for one in found:
        sys.stdout.write(f"{'FAIL' if one.wrong else 'ok  '}  {one.name}\n")
        if one.wrong:
            sys.stdout.write("".join(f"      {line}\n" for line in one.wrong.splitlines()))
        sys.stdout.flush()
        yield one


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
