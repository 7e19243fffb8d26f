"""What hostile messages cost the privacy filter: for each its size, the seconds, the speed, what became of it, and the same as a multiple of reading and writing it as JSON.

``python -m benchmarks.privacy_hostile [characters]``. The slowest come first.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

from mpp.host.patterns.cache import PatternCache
from mpp.model.jsontext import Json
from mpp.stages.policy import NO_PRIVACY, CallPrivacy
from mpp.stages.privacy import Filter, Pseudonyms, Rules, built_in, choose
from mpp.testing.hostile import messages

SIZE = 1_000_000
CACHE = Path(__file__).resolve().parent.parent / "build" / "patterns"


class Row(NamedTuple):
    """What one message cost."""

    seconds: float
    name: str
    size: int
    baseline: float
    became: str

    def __str__(self) -> str:
        speed, times = self.size / self.seconds / 1e6, self.seconds / self.baseline
        return f"{self.seconds:7.3f} s {self.size / 1e6:7.2f} MB {speed:8.1f} MB/s {times:8.0f} x  {self.became or 'filtered':17}  {self.name}"


def measured(name: str, message: Json, by: Filter) -> Row:
    begin = time.process_time()
    try:
        written = json.dumps(message)
        json.loads(written)
        size = len(written)
    except ValueError:
        # An integer too long for it.
        size = SIZE
    baseline = max(time.process_time() - begin, 1e-6)
    begin = time.process_time()
    filtered = by(message)
    return Row(max(time.process_time() - begin, 1e-6), name, size, baseline, filtered.report.withheld)


def main(size: int) -> None:
    rules = Rules(built_in(), lambda texts: choose(texts, PatternCache(str(CACHE))))
    by = Filter(rules, CallPrivacy(rules=NO_PRIVACY), Pseudonyms(b"k" * 32), time.monotonic)
    rows = [measured(name, make(), by) for name, make in messages(size).items()]
    for row in sorted(rows, reverse=True):
        sys.stdout.write(f"{row}\n")
    slow = [row for row in rows if not row.became and row.size / row.seconds < 3e6]
    sys.stdout.write(f"{len(rows)} messages, {sum(bool(row.became) for row in rows)} withheld, {len(slow)} filtered at less than 3 MB/s\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE)
