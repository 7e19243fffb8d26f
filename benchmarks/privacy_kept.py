"""What the privacy filter and the description guard find, let through and survive: what is promised beside its speed.

    python benchmarks/privacy_kept.py [--quick] [--json]

The labelled texts of privacy_accuracy.py and the benign descriptions are no part of this project; without them their rows are left out.
The forms of secrets are made anew from the table of their issuers, and the look-alikes, the hiding tricks and the hostile expressions are those of the tests.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import privacy_accuracy
import privacy_hostile
from outcome import HEAD, Outcome
from tests.attack.hiding_tricks import TRICKS
from tests.attack.test_t67_regexes import BEAT_SECONDS, HOSTILE, LAG_SECONDS_MAX, generated, judged, pattern
from tests.unit.privacy.test_secrets_negatives import ALL as LOOK_ALIKES

from mpp.host import aio
from mpp.host.filtering import Whose
from mpp.host.home import Home
from mpp.host.measuring.documents import document
from mpp.host.opening import open_filters
from mpp.host.patterns.cache import PatternCache
from mpp.host.patterns.judging import judge
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.stages.policy import NO_PRIVACY, CallPrivacy
from mpp.stages.privacy import Filter, gather
from mpp.stages.privacy.detectors.secrets import DETECTORS, forms
from mpp.stages.privacy.detectors.secrets.looks import MIDDLES
from mpp.stages.privacy.detectors.secrets.table import FORMS
from mpp.stages.privacy.guard import describe_tools, judge_described, refusal
from mpp.stages.privacy.limits import CHARS_PER_SECOND, SECONDS_BASE
from mpp.stages.privacy.search import search
from mpp.testing.hostile import messages

NAMED = ("aws", "github", "gitlab", "openai", "anthropic", "google", "slack", "stripe", "azure", "npm", "pypi", "jwt", "private_key", "ssh")
"""Issuers that the promise names, as their patterns begin."""
AROUND = ("{}", 'key: "{}"', "see {}, and more", "A={}\nB=1", "https://host/?a={}&b=1")
HOSTILE_CHARS, HOSTILE_CHARS_QUICK = 1_000_000, 300_000
SECRETS_EACH, SECRETS_EACH_QUICK = 20, 5


def bound(folder: str) -> Filter:
    wanted = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())
    return open_filters(Home(path=folder), SystemClock(), SystemRandom()).bind(CallPrivacy(rules=NO_PRIVACY), wanted, Whose(tenant="bench", agent=""))


def hostile(by: Filter, chars: int) -> Iterator[Outcome]:
    """Each message has half a second and one more for each three million characters; what takes longer is withheld."""
    rows = [privacy_hostile.measured(name, make(), by) for name, make in messages(chars).items()]
    late = {row.name: row.seconds - SECONDS_BASE - row.size / CHARS_PER_SECOND for row in rows}
    slow = [row.name for row in rows if not row.became and late[row.name] > 0]
    yield Outcome(
        f"{len(rows)} hostile texts: filtered, and slower than 0.5 s and 3 MB/s", len(slow), "", promised="0", kept=not slow,
        note=", ".join(slow) or f"{sum(bool(row.became) for row in rows)} are withheld",
    )  # fmt: skip
    withheld = [row.name for row in rows if row.became]
    worst = max(withheld, key=lambda name: late[name])
    yield Outcome(
        "  withheld: the latest, after its time was over", max(0.0, 1000 * late[worst]), "ms", note=f"{worst}; the clock is read between steps of the search"
    )


def regexes() -> Iterator[Outcome]:
    wanted = (*HOSTILE, *generated(200))
    begun = time.perf_counter()
    accepted, refused, slow = judged(wanted)
    undecided = len(wanted) - len(accepted) - len(refused)
    yield Outcome(
        f"{len(wanted)} hostile expressions: without a verdict, or slow once they are in", undecided + len(slow), "", promised="0", kept=not undecided and not slow,
        note=f"{len(refused)} refused, {len(accepted)} accepted and fast on texts made against them, {time.perf_counter() - begun:.0f} s in all",
    )  # fmt: skip
    yield lag()


def lag() -> Outcome:
    """How late an event loop is while twenty of them are judged."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            late.append(time.perf_counter() - begun - BEAT_SECONDS)

    async def both(folder: str) -> None:
        beating = asyncio.create_task(beat())
        await aio.drive(judge([pattern(number, regex) for number, regex in enumerate((*HOSTILE[:4], *HOSTILE[11:16], *HOSTILE[24:35]))], PatternCache(folder)))
        beating.cancel()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(both(folder))
    found = sorted(late)[int(len(late) * 0.995)]
    return Outcome(
        "an event loop while 20 are judged: late", 1000 * found, "ms p99.5", promised="50 ms", kept=found <= LAG_SECONDS_MAX, note=f"of {len(late)} beats"
    )


def accuracy() -> Iterator[Outcome]:
    if not privacy_accuracy.DATA.is_dir():
        return
    find = privacy_accuracy.ours()
    total, valid = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for path in sorted(privacy_accuracy.DATA.glob("*.jsonl")):
        for record in privacy_accuracy.records(path):
            if "spans" in record:
                hits = find(record["text"])
                total += privacy_accuracy.score(path.stem, record, hits, valid_only=False)
                valid += privacy_accuracy.score(path.stem, record, hits, valid_only=True)
    for what, counted, least in (("all labels", total, 0.985), ("valid ones only", valid, 0.992)):
        share = privacy_accuracy.f1(counted)
        yield Outcome(
            f"F1 on labelled texts, {what}",
            share,
            "F1",
            promised=f"at least {least}",
            kept=share >= least,
            note="six kinds; the rules were written beside these",
        )


def secrets(by: Filter, each: int) -> Iterator[Outcome]:
    rows = [(kind, form) for kind, written in FORMS.items() for form in written] + [(row.type, row.example) for row in MIDDLES]
    ours = frozenset(kind for detector in DETECTORS for kind in detector.types)

    def kinds(message: Json) -> set[str]:
        return {one.type for one in search(gather(message), by.rules, lambda: None)} & ours

    random, found, count, named, named_count = Random(6), 0, 0, 0, 0
    for kind, form in rows:
        for number in range(each):
            has = kind in kinds({"a": f"twilio {AROUND[number % len(AROUND)].format(forms.example(form, random))}"})
            found, count = found + has, count + 1
            if kind.startswith(NAMED):
                named, named_count = named + has, named_count + 1
    yield Outcome(
        "secrets found of the issuers that are named", named / named_count, "share", promised="at least 0.95", kept=named / named_count >= 0.95,
        note=f"{named_count} made from the table of documented forms; of all {len({kind for kind, _ in rows})} issuers {found} of {count}",
    )  # fmt: skip
    flagged = sum(bool(kinds(one)) for one in LOOK_ALIKES)
    share = flagged / len(LOOK_ALIKES)
    yield Outcome("look-alikes of secrets that are hidden", share, "share", promised="0.1", kept=share <= 0.1, note=f"{flagged} of {len(LOOK_ALIKES)}")


def clean(by: Filter) -> Outcome:
    report = by(document(1_000_000, 0.0).message).report
    count = sum(times for _, times in report.counts)
    return Outcome("a clean megabyte: places that are redacted", count, "", promised="1", kept=count <= 1 and not report.withheld)


def descriptions() -> Iterator[Outcome]:
    hiding = [one for one in TRICKS if one.code]
    blocked = sum(refusal(judge_described(describe_tools([one.tool]))) is not None for one in hiding)
    yield Outcome(
        "descriptions that hide words: refused", blocked, "", promised="13 of each 14", kept=blocked >= len(TRICKS) * 13 / 14,
        note=f"of {len(TRICKS)} tricks; {len(TRICKS) - len(hiding)} says its words plainly and is shown to a person",
    )  # fmt: skip
    path = privacy_accuracy.DATA / "mcp_tool_descriptions.jsonl"
    if path.is_file():
        benign = [one for one in privacy_accuracy.records(path) if one["label"] == "benign"]
        stopped = sum(refusal(judge_described(describe_tools([_tool(one)]))) is not None for one in benign)
        yield Outcome(
            "benign descriptions refused",
            stopped / len(benign),
            "share",
            promised="0.005",
            kept=stopped / len(benign) <= 0.005,
            note=f"{stopped} of {len(benign)}",
        )


def _tool(record: dict[str, Json]) -> Json:
    schema = record.get("inputSchema") or record.get("schema") or {"type": "object"}
    return {"name": str(record["name"]), "description": str(record["description"]), "inputSchema": schema}


def figures(*, quick: bool) -> Iterator[Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        by = bound(folder)
        yield from hostile(by, HOSTILE_CHARS_QUICK if quick else HOSTILE_CHARS)
        yield clean(by)
        yield from secrets(by, SECRETS_EACH_QUICK if quick else SECRETS_EACH)
    yield from accuracy()
    yield from descriptions()
    yield from regexes()


def main() -> int:
    as_json, rows = "--json" in sys.argv, list[dict[str, object]]()
    if not as_json:
        print(HEAD)
    for one in figures(quick="--quick" in sys.argv):
        rows.append(one.plain())
        if not as_json:
            print(one.line(), flush=True)
    if as_json:
        print(json.dumps({"rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
