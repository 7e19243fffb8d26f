"""Runs the golden set of the SDKs against a built package or a bare module, in the sandbox.

``python -m tools.golden FILE.mpp`` or ``python -m tools.golden --wasm FILE``; ``--only WORD`` runs the cases that have it in their name.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence

from mpp.author.sign import sign_package
from mpp.stages.archive import MANIFEST_NAME, pack, read_archive, unseal
from mpp.stages.gatekeeper import VerifiedPackage, verify
from mpp.testing import packages
from mpp.testing.golden import run_cases, run_sessions, Verdict
from mpp.testing.keys import publisher

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "sdk", "golden")


def golden_package(data: bytes) -> VerifiedPackage:
    """The package, signed by a publisher of tests whom this process trusts, whoever signed it before."""
    who = publisher()
    archive = read_archive(data)
    unsigned = unseal(archive) if archive.sealed else data
    made = sign_package(unsigned, who.chain, who.release, packages.TestClock()).data
    return verify(made, packages.trusting(who), packages.NOW)


def package_of_module(wasm: bytes, manifest: bytes) -> bytes:
    """A bare module as an unsigned golden package."""
    return pack({MANIFEST_NAME: manifest, packages.ENTRYPOINT: wasm})


def run_golden(data: bytes, *, only: str = "", cache: str = "", home: str = "") -> Iterator[Verdict]:
    """All cases and sessions against the unsigned or signed package ``data``; ``home`` has its layer, if it stands on one."""
    package = golden_package(data)
    with tempfile.TemporaryDirectory(prefix="mpp-golden-") as place:
        yield from run_cases(package, GOLDEN, cache=cache or place, only=only, home=home)
        if not only:
            yield from run_sessions(package, GOLDEN, cache=cache or place, home=home)


def told(verdicts: Iterator[Verdict], say: Callable[[str], object]) -> tuple[int, int]:
    """Say what went wrong; how many cases there were, and how many of them went wrong."""
    count = wrong = 0
    for verdict in verdicts:
        count += 1
        if verdict.wrong:
            wrong += 1
            say(f"{verdict.name}: {verdict.wrong}\n")
    return count, wrong


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.golden", description="Run the golden set of the SDKs against one built tool.")
    parser.add_argument("file", help="a built golden package, signed or not; with --wasm a module")
    parser.add_argument("--wasm", action="store_true", help="FILE is a bare core module")
    parser.add_argument("--only", default="", metavar="WORD", help="only the cases whose names hold WORD")
    parser.add_argument("--home", default=os.environ.get("MPP_HOME", ""), metavar="FOLDER", help="the home with the layer that the package stands on")
    given = parser.parse_args(arguments)
    with open(given.file, "rb") as file:
        data = file.read()
    if given.wasm:
        with open(os.path.join(GOLDEN, MANIFEST_NAME), "rb") as file:
            data = package_of_module(data, file.read())
    count, wrong = told(run_golden(data, only=given.only, home=given.home), sys.stdout.write)
    sys.stdout.write(f"{count - wrong} of {count} cases\n")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
