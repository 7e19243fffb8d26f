"""How much the privacy filter finds of labelled texts, beside Presidio where that is installed.

    python benchmarks/privacy_accuracy.py [FOLDER] [--presidio]

FOLDER holds JSON lines with "text" and "spans" of "s", "e", "t" and, for some, "valid"; it is not part of this project. A label counts as found
where more than half of it is covered by a hit of its kind; a hit that touches no label of its kind is false. README.md has the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mpp.host.filtering import Whose
from mpp.host.home import Home
from mpp.host.measuring.peers import Find, presidio_finder
from mpp.host.opening import open_filters
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.manifest import PrivacyFilters
from mpp.stages.policy import NO_PRIVACY, CallPrivacy
from mpp.stages.privacy import gather
from mpp.stages.privacy.search import search

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "pii-dev"
KINDS = {"email": "EMAIL", "phone": "PHONE", "credit_card": "CARD", "ssn": "US_SSN", "iban": "IBAN", "ip_address": "IP"}
PEERS = {"EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "US_SSN": "US_SSN", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP"}
NOISY = {("piianon_technology", "PHONE")}
"""Sets with so many labels missing that a false hit says nothing."""

Hits = list[tuple[int, int, str]]


def ours() -> Find:
    with tempfile.TemporaryDirectory() as folder:
        wanted = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())
        bound = open_filters(Home(path=folder), SystemClock(), SystemRandom()).bind(CallPrivacy(rules=NO_PRIVACY), wanted, Whose(tenant="", agent=""))

    def find(text: str) -> Hits:
        spans = search(gather(text), bound.rules, lambda: None)
        return [(one.start, one.end, KINDS[one.type]) for one in spans if one.type in KINDS and one.leaf == 0]

    return find


def presidio() -> Find:
    find = presidio_finder()
    if find is None:
        sys.exit("presidio-analyzer is not installed")
    return lambda text: [(start, end, PEERS[kind]) for start, end, kind in find(text) if kind in PEERS]


def records(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def score(name: str, record: dict[str, Any], hits: Hits, *, valid_only: bool) -> Counter[tuple[str, str]]:
    labels = [one for one in record["spans"] if one["t"] in KINDS.values()]
    counted: Counter[tuple[str, str]] = Counter()
    for one in labels:
        if valid_only and one.get("valid") is False:
            continue
        covered = sum(max(0, min(end, one["e"]) - max(start, one["s"])) for start, end, kind in _apart(hits) if kind == one["t"])
        counted["found" if 2 * covered > one["e"] - one["s"] else "missed", one["t"]] += 1
    for start, end, kind in _apart(hits):
        if (name, kind) not in NOISY and not any(kind == one["t"] and start < one["e"] and one["s"] < end for one in labels):
            counted["false", kind] += 1
    return counted


def _apart(hits: Hits) -> Hits:
    """Hits of one kind that touch are one."""
    out: Hits = []
    for start, end, kind in sorted(hits, key=lambda one: (one[2], one[0])):
        if out and out[-1][2] == kind and start < out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]), kind)
        else:
            out.append((start, end, kind))
    return out


def f1(counted: Counter[tuple[str, str]], kind: str = "") -> float:
    found, missed, false = (sum(times for (what, one), times in counted.items() if what == name and kind in ("", one)) for name in ("found", "missed", "false"))
    return 2 * found / (2 * found + missed + false) if found + missed + false else 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--presidio", action="store_true", help="measure Presidio too")
    asked = parser.parse_args()
    if not asked.folder.is_dir():
        print(f"there is no labelled data in {asked.folder}", file=sys.stderr)
        return 2
    finders = {"mpp": ours()} | ({"presidio": presidio()} if asked.presidio else {})
    for filter_name, find in finders.items():
        total, valid = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        begun = time.process_time()
        for path in sorted(asked.folder.glob("*.jsonl")):
            own, own_valid = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
            for record in records(path):
                if "spans" in record:
                    hits = find(record["text"])
                    own += score(path.stem, record, hits, valid_only=False)
                    own_valid += score(path.stem, record, hits, valid_only=True)
            if own:
                print(f"{filter_name:<9} {path.stem:<22} all {f1(own):.4f}  valid {f1(own_valid):.4f}")
            total, valid = total + own, valid + own_valid
        kinds = "  ".join(f"{kind} {f1(total, kind):.4f}" for kind in sorted(KINDS.values()))
        print(f"{filter_name:<9} {'in all':<22} all {f1(total):.4f}  valid {f1(valid):.4f}  ({time.process_time() - begun:.1f} s)\n          {kinds}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
