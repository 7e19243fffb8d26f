"""The first page: what happened, how fast, how risky, and what needs somebody. Pure: from the numbers of the index and a few facts to charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from mpp.console.charts import Bar, bars, Chart, Column, columns, HALF, Series, Spread, spreads
from mpp.pages.texts import many, span, when
from mpp.console.views.health import Verified
from mpp.console.views.periods import label, Period, words
from mpp.host.audit.index_calls import RISK_BAND, RISK_MAX
from mpp.host.audit.listing import Numbers, SAMPLE_MAX
from mpp.limits import DAY_SECONDS
from mpp.model.value import value
from mpp.stages.audit import Seen

SERIES = (
    ("ok", Series(name="Ran", tone="ok")),
    ("failed", Series(name="Failed", tone="failed")),
    ("interrupted", Series(name="Interrupted", tone="interrupted")),
    ("asked", Series(name="Asked a person", tone="asked")),
    ("denied", Series(name="Denied by policy", tone="denied")),
    ("refused", Series(name="Refused", tone="refused")),
)
"""How calls end, by the name in the index, from the bottom of a bar to its top."""

STAGE_NAMES = {"policy": "Policy", "approval": "Approval", "audit": "Intent in the record", "sandbox": "Sandbox", "privacy": "Privacy"}

WITNESS_SECONDS = DAY_SECONDS
"""Seconds after which a witness that saw nothing new is worth a word. Reason: `mpp audit witness` is run by a timer at least each day."""

RISK_HIGH = 70
"""Points of risk from which a call is worth a word. Reason: from here on a question is of the level high."""

GOOD, CAREFUL, BAD = "good", "careful", "bad"


@value
class RecordState:
    """What can be said of the record without reading it whole."""

    entries: int
    segments: int
    pruned: int
    size: int
    """Bytes on the disk."""
    signed: int
    """Entries under the newest checkpoint."""
    signed_at: int | None
    """When that was written, by this machine."""
    log_id: str
    witnesses: tuple[str, ...]
    """Those that are asked, by the names of their keys."""
    seen: tuple[Seen, ...]
    """Those that signed, and when."""
    seen_size: int
    """Entries under the checkpoint that they saw."""
    fault: str
    """Why some of this could not be read; empty where all could."""


@value
class Facts:
    """What stands beside the numbers."""

    pending: tuple[int, ...]
    """When each of the questions that wait was asked."""
    held: int
    """Definitions of older servers that are kept back."""
    stops: int
    record: RecordState | None
    """None: there is no record yet."""
    verified: Verified | None


@value
class Need:
    """Something that somebody should look at."""

    tone: str
    words: str
    href: str
    action: str


@value
class Figure:
    name: str
    number: str
    href: str


@value
class Overview:
    period: Period
    figures: tuple[Figure, ...]
    needs: tuple[Need, ...]
    over_time: Chart
    refusals: Chart
    risk: Chart
    stages: tuple[Spread, ...]
    measured: int
    """Calls whose times are in the table of stages."""
    is_sample: bool
    tools: tuple[Bar, ...]
    agents: tuple[Bar, ...]
    redactions: tuple[Bar, ...]
    codes: tuple[Bar, ...]


def overview(found: Numbers, period: Period, facts: Facts, now: int) -> Overview:
    total = {name: sum(count for _, count in found.endings.get(name, ())) for name, _ in SERIES}
    times = [(STAGE_NAMES[stage], rows) for stage, rows in found.times.items()]
    measured = max((len(rows) for _, rows in times), default=0)
    return Overview(
        period=period, figures=_figures(total, found, facts, period), needs=needs(total, found, facts, period, now), over_time=_over_time(found, period, total),
        refusals=_refusals(found, period, total), risk=_risk(found, period), stages=spreads(times), measured=measured, is_sample=measured >= SAMPLE_MAX,
        tools=_tools(found, period),
        agents=bars([(name, _calls(period, agent=name), count) for name, count in found.agents]),
        redactions=bars([(name, "", count) for name, count in found.redactions], tone="asked"),
        codes=bars([(name, _calls(period, code=name), count) for name, count in found.codes], tone="denied"),
    )  # fmt: skip


def _calls(period: Period, **filters: str) -> str:
    return "/calls?" + urlencode({**filters, "since": str(period.since), "until": str(period.until)})


def _tools(found: Numbers, period: Period) -> tuple[Bar, ...]:
    names = [name.partition("/") for name, _ in found.tools]
    drawn = bars([(tool, _calls(period, package=package, tool=tool), count) for (package, _, tool), (_, count) in zip(names, found.tools, strict=True)])
    return tuple(replace(bar, about=package) for bar, (package, _, _) in zip(drawn, names, strict=True))


def _figures(total: Mapping[str, int], found: Numbers, facts: Facts, period: Period) -> tuple[Figure, ...]:
    taken = sum(count for _, count in found.redactions)
    return (
        Figure(name="Calls that ran", number=f"{total['ok'] + total['failed'] + total['interrupted']:,}", href=_calls(period)),
        Figure(name="Failed or interrupted", number=f"{total['failed'] + total['interrupted']:,}", href=_calls(period, ending="failed")),
        Figure(name="Denied by policy", number=f"{total['denied']:,}", href=_calls(period, ending="denied")),
        Figure(name="Waiting for a person", number=f"{len(facts.pending):,}", href="/approvals"),
        Figure(name="Taken out of answers", number=f"{taken:,}", href="#redactions"),
    )


# -- charts


def in_bars(slots: Sequence[tuple[int, int]], period: Period) -> list[int]:
    """Counts of slots, put into the bars of the period."""
    counts = [0] * len(period.begins)
    for at, count in slots:
        place = (at - period.since) // period.step
        if 0 <= place < len(counts):
            counts[place] += count
    return counts


def _over_time(found: Numbers, period: Period, total: Mapping[str, int]) -> Chart:
    kinds = [(name, series) for name, series in SERIES if total[name]] or [SERIES[0]]
    whole = sum(total.values())
    return columns(
        "over-time", "Calls over time", f"{many(whole, 'call')}, by how they ended; a bar is {span(period.step)}. Times are in UTC.",
        [series for _, series in kinds], _columns(found, period, [name for name, _ in kinds], {}),
    )  # fmt: skip


def _refusals(found: Numbers, period: Period, total: Mapping[str, int]) -> Chart:
    names = ("denied", "refused")
    words = f"{many(total['denied'], 'call')} denied by policy, {total['refused']:,} refused for another reason, such as a signature that does not hold."
    return columns(
        "refusals", "Denials", words, [series for name, series in SERIES if name in names], _columns(found, period, names, {"decision": "deny"}), width=HALF
    )


def _columns(found: Numbers, period: Period, names: Sequence[str], filters: Mapping[str, str]) -> list[Column]:
    counted = [in_bars(found.endings.get(name, ()), period) for name in names]
    return [
        Column(
            words=words(at, period.step), label=label(at, period.step), counts=tuple(row[place] for row in counted),
            href="/calls?" + urlencode({**filters, "since": str(at), "until": str(at + period.step - 1)}),
        )
        for place, at in enumerate(period.begins)
    ]  # fmt: skip


def _risk(found: Numbers, period: Period) -> Chart:
    known = {int(name): count for name, count in found.risks if name.isdecimal()}
    rows = [
        Column(
            words=f"{low} to {low + RISK_BAND - 1}" if low + RISK_BAND < RISK_MAX else f"{low} and more", label=str(low), counts=(known.get(low, 0),),
            href=_calls(period, risk=str(low)),
        )
        for low in range(0, RISK_MAX, RISK_BAND)
    ]  # fmt: skip
    high = sum(count for low, count in known.items() if low >= RISK_HIGH)
    text = f"Points of {many(sum(known.values()), 'call')} that policy judged, from 0 to 100; {high:,} have {RISK_HIGH} or more."
    return columns("risk", "Risk", text, [Series(name="Calls", tone="ok")], rows, first="Points", width=HALF)


# -- what needs attention


def needs(total: Mapping[str, int], found: Numbers, facts: Facts, period: Period, now: int) -> tuple[Need, ...]:
    """The worst first."""
    listed = [*_of_people(facts, now), *_of_calls(total, found, period), *_of_record(facts, now)]
    return tuple(sorted(listed, key=lambda one: (BAD, CAREFUL, GOOD).index(one.tone)))


def _of_people(facts: Facts, now: int) -> list[Need]:
    listed = []
    if facts.pending:
        text = (
            f"{many(len(facts.pending), 'call')} {'waits' if len(facts.pending) == 1 else 'wait'} for a person, the oldest for {span(now - min(facts.pending))}"
        )
        listed.append(Need(tone=CAREFUL, words=text, href="/approvals", action="Answer"))
    if facts.held:
        listed.append(
            Need(tone=CAREFUL, words=f"{many(facts.held, 'definition')} of older servers kept back until somebody looks", href="/legacy", action="Look")
        )
    if facts.stops:
        text = f"{many(facts.stops, 'stop')} in force: nothing that is named there can be called"
        listed.append(Need(tone=CAREFUL, words=text, href="/packages", action="Packages"))
    return listed


def _of_calls(total: Mapping[str, int], found: Numbers, period: Period) -> list[Need]:
    listed = []
    broken = total["failed"] + total["interrupted"]
    whole = broken + total["ok"]
    if broken and broken * 10 >= whole:
        listed.append(
            Need(tone=BAD, words=f"{broken:,} of {many(whole, 'call')} that ran did not end well", href=_calls(period, ending="failed"), action="See them")
        )
    if total["denied"] + total["refused"]:
        parts = (
            f"{many(total['denied'], 'call')} denied by policy" if total["denied"] else "",
            f"{many(total['refused'], 'call')} refused" if total["refused"] else "",
        )
        text = ", ".join(filter(None, parts))
        listed.append(Need(tone=CAREFUL, words=text, href=_calls(period, ending="denied" if total["denied"] else "refused"), action="See them"))
    high = sum(count for name, count in found.risks if name.isdecimal() and int(name) >= RISK_HIGH)
    if high:
        listed.append(
            Need(tone=CAREFUL, words=f"{many(high, 'call')} with a risk of {RISK_HIGH} or more", href=_calls(period, risk=str(RISK_HIGH)), action="See them")
        )
    return listed


def _of_record(facts: Facts, now: int) -> list[Need]:
    record, verified, listed = facts.record, facts.verified, list[Need]()
    if verified is not None and verified.tone == BAD:
        listed.append(Need(tone=BAD, words=f"The record does not hold: {verified.reason}", href="#record", action="See below"))
    if record is None:
        return listed
    if record.fault:
        listed.append(Need(tone=BAD, words=f"The state of the record cannot be read: {record.fault}", href="#record", action="See below"))
    elif record.signed < record.entries:
        text = f"{many(record.entries - record.signed, 'entry', 'entries')} at the end of the record {'has' if record.entries - record.signed == 1 else 'have'} no signature yet"
        listed.append(Need(tone=CAREFUL, words=text, href="#record", action="See below"))
    if record.entries and not record.witnesses:
        listed.append(
            Need(
                tone=CAREFUL,
                words="No witness watches the record: whoever has this machine's keys could write its history anew",
                href="#record",
                action="See below",
            )
        )
    elif record.witnesses and (not record.seen or now - max(one.at for one in record.seen) > WITNESS_SECONDS):
        last = f"since {when(max(one.at for one in record.seen))}" if record.seen else "yet"
        listed.append(Need(tone=CAREFUL, words=f"No witness has seen the record {last}", href="#record", action="See below"))
    return listed
