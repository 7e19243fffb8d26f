"""One line of the results, whatever measured it: the page and the table of `make bench` are made of these."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Json = Mapping[str, Any]

CALL_MORE_MS = 1.5
"""ms. What a call on a layer may take above twice a plain call."""


SMALL, SMALL_MS = "2 kB", 0.15
"""ms of processor time that the privacy filter may take for a small message."""


class Outcome(NamedTuple):
    """What was measured, beside what, and what was promised."""

    what: str
    ours: float
    unit: str
    baseline: str = ""
    base: float | None = None
    promised: str = ""
    kept: bool | None = None
    """None: nothing was promised."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.base if self.base else None

    def plain(self) -> dict[str, object]:
        return {**self._asdict(), "ratio": None if self.ratio is None else round(self.ratio, 3)}

    def line(self) -> str:
        base = f"{self.base:12,.2f}" if self.base is not None else f"{'':>12}"
        ratio = f"{self.ratio:7.2f}" if self.ratio is not None else f"{'':>7}"
        kept = {None: "", True: "yes", False: "NO"}[self.kept]
        after = "; ".join(text for text in (self.baseline, self.note) if text)
        return f"{self.what[:58]:<58} {self.ours:12,.2f} {base} {self.unit:<9} {ratio} {self.promised:>14}  {kept:<4} {after}"


HEAD = f"{'what':<58} {'ours':>12} {'baseline':>12} {'unit':<9} {'ratio':>7} {'promised':>14}  kept baseline, note"


def ratios(document: Json) -> Iterator[Outcome]:
    """`pipeline.py packages`."""
    for row in document["ratios"]:
        promised = "" if row["promised"] is None else f"{row['promised']:g}x" + (f" + {1000 * row['plus']:.0f} ms" if row["plus"] else "")
        yield Outcome(row["what"], 1000 * row["ours"], "ms", row["baseline"], 1000 * row["base"], promised, row["kept"], row["note"])
    for row in document["hostile"]:
        yield Outcome(
            f"hostile: {row['what']}",
            1000 * row["seconds"],
            "ms",
            promised="2,000 ms, 100 MiB",
            kept=row["kept"],
            note=f"{row['memory'] / 2**20:.0f} MiB above the file",
        )


def figures(rows: Sequence[Json]) -> Iterator[Outcome]:
    """Figures as spread.py makes them; all in microseconds."""
    for row in rows:
        at = row["judged"]
        promised = f"{row['ratio_most']:g}x" if row["ratio_most"] is not None else ""
        if row["seconds_most"] is not None:
            promised = f"{1e6 * row['seconds_most']:g} us" + (" at p99" if at == "p99" else "")
        beside = f"p99 {row['p99_us']:,.0f}" if at == "p50" else f"p50 {row['p50_us']:,.1f}" if at == "least" else ""
        yield Outcome(
            row["what"], row[f"{at}_us"], "us " + at, row["baseline"], row[f"baseline_{at}_us"] if row["baseline"] else None, promised, row["kept"],
            "; ".join(text for text in (row["note"], beside) if text),
        )  # fmt: skip


def record(document: Json) -> Iterator[Outcome]:
    """`audit.py`."""
    yield from figures(document["figures"])
    for row in document["syncs"]:
        yield Outcome(row["what"], row["syncs"], "syncs", promised=f"{row['most']:g}", kept=row["syncs"] <= row["most"])
    ours = next((row["p50_us"] for row in document["rivals"] if row["name"] == "MPP"), None)
    for row in document["rivals"]:
        if row["name"] != "MPP" and ours is not None:
            yield Outcome("one call: intent on the disk, then the result", ours, "us p50", row["name"], row["p50_us"])


def privacy(document: Json) -> Iterator[Outcome]:
    """`mpp privacy bench --json`. A filter that leaves what was planted is quicker for it, so the note says how much each leaves."""
    promised = {"presidio, 6 kinds": 1 / 100, "re, one by one": 1 / 5, "cpex pii + secrets": 1 / 1.5}
    ours = {row["message"]: row for row in document["rows"] if row["filter"] == "mpp"}
    for row in document["rows"]:
        mine = ours[row["message"]]
        if row["filter"] == "mpp":
            if row["message"] == SMALL:
                yield Outcome(f"filter {SMALL}", mine["ms"], "ms CPU", promised=f"{SMALL_MS} ms", kept=mine["ms"] <= SMALL_MS, note=_small(mine))
            continue
        # What is promised is promised for a megabyte of which one part in a hundred is private.
        most = promised.get(row["filter"]) if row["message"] == "1 MB" else None
        share = mine["ms"] / row["ms"]
        yield Outcome(
            f"filter {row['message']}", mine["ms"], "ms CPU", row["filter"], row["ms"], f"{most:.2g}x" if most else "", share <= most if most else None,
            f"planted values left: {mine['missed']} of {mine['planted']}, by the other {row['missed']}",
        )  # fmt: skip


def _small(mine: Json) -> str:
    return f"one of the best block; the first of a block, after the turns of the others, {mine['first_ms']:.2f} ms"


def rows(document: Json) -> Iterator[Outcome]:
    """Programs whose rows have this form."""
    yield from (Outcome(**{key: value for key, value in row.items() if key != "ratio"}) for row in document["rows"])


def starting(document: Json) -> Iterator[Outcome]:
    """`starting.py`: what is promised in milliseconds, and processor time beside a bare interpreter."""
    for row in document["rows"]:
        if "most" in row:
            note = f"the least is {row['least']:.0f}" if "least" in row else ""
            yield Outcome(row["what"], row["ms"], "ms", promised=f"{row['most']:,} ms", kept=row["ms"] <= row["most"], note=note)
        else:
            yield Outcome(row["what"], row["cpu_ms"], "ms CPU", "python -c pass", row["bare_cpu_ms"], note=f"{row['ms']:.0f} ms of time")


def front(document: Json) -> Iterator[Outcome]:
    """`mcp_front.py`: each of our rows beside each of theirs, CPU and p50; promised for the record in memory."""
    rows = document["rows"]
    theirs = [row for row in rows if not row["server"].startswith("mpp")]
    for mine in (row for row in rows if row["server"].startswith("mpp")):
        in_memory = "memory" in mine["server"]
        if not theirs:
            yield Outcome(f"{mine['server']}, {mine['flight']} in flight: CPU of a call", mine["cpu_us"], "us", note="nothing to compare with is installed")
        for other in (row for row in theirs if row["flight"] == mine["flight"]):
            cpu_most, p50_most = {"mcp.server.lowlevel": (1.0, 1.0), "fastmcp": (0.5, None)}[other["server"]] if in_memory else (None, None)
            for what, key, most in (("CPU", "cpu", cpu_most), ("p50", "p50", p50_most)):
                share = mine[f"{key}_of"].get(other["server"])
                yield Outcome(
                    f"{mine['server']}, {mine['flight']} in flight: {what} of a call", mine[f"{key}_us"], "us", other["server"], other[f"{key}_us"],
                    f"{most:g}x" if most else "", share <= most if most and share else None, f"{share:.2f} is the median of turns" if share else "",
                )  # fmt: skip
    yield from _starts(document["started"])
    yield from _over_http(document.get("http", ()))


ALONE_US_MAX = {"front alone, pipes": 60, "front alone, http": 100}
"""Microseconds of processor time that are promised for the front with nothing behind it."""


def _over_http(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`mcp_http.py`: the whole pipeline beside others' servers, the same promises as over pipes; the front alone beside a number of its own and beside the floor."""
    for mine in (row for row in rows if row["server"] in {"mpp serve --http", *ALONE_US_MAX}):
        name = f"{mine['server']}, {mine['flight']} in flight"
        most = ALONE_US_MAX.get(mine["server"])
        if most is not None:
            floor = mine["cpu_of"].get("uvicorn, a constant") if "http" in mine["server"] else None
            note = (
                f"{floor:.1f} of uvicorn with a constant answer; the least is {mine['cpu_least_us']:.0f}"
                if floor
                else f"the least is {mine['cpu_least_us']:.0f}"
            )
            yield Outcome(f"{name}: CPU of a call", mine["cpu_us"], "us", promised=f"{most} us", kept=mine["cpu_us"] <= most, note=note)
            continue
        for other in (row for row in rows if row["flight"] == mine["flight"] and row["server"].startswith(("mcp.", "fastmcp"))):
            cpu_most, p50_most = (0.5, None) if other["server"].startswith("fastmcp") else (1.0, 1.0)
            for what, key, limit in (("CPU", "cpu", cpu_most), ("p50", "p50", p50_most)):
                share = mine[f"{key}_of"][other["server"]]
                yield Outcome(
                    f"{name}: {what} of a call", mine[f"{key}_us"], "us", other["server"], other[f"{key}_us"], f"{limit:g}x" if limit else "",
                    share <= limit if limit else None, f"{share:.2f} is the median of turns; p99 {mine['p99_us']:.0f} and {other['p99_us']:.0f} us",
                )  # fmt: skip


def _starts(started: Sequence[Json]) -> Iterator[Outcome]:
    mine = started[0]
    for other in started[2:]:
        most = 0.5 if other["server"] == "mcp.server.lowlevel" else None
        kept = mine["first_call_ms"] / other["first_call_ms"] <= most if most else None
        yield Outcome(
            "start to the first answer, ten packages", mine["first_call_ms"], "ms", other["server"], other["first_call_ms"], f"{most:g}x" if most else "", kept
        )
        yield Outcome("memory with all processes", mine["memory_mb"], "MB", other["server"], other["memory_mb"])


def layers(document: Json) -> Iterator[Outcome]:
    """`layers.py`: the first row is the plain tool."""
    plain, *others = document["rows"]
    for row in others:
        most = 2 * plain["call_ms"] + CALL_MORE_MS
        yield Outcome(
            f"hot call, {row['name']}", row["call_ms"], "ms p50", "the same in C", plain["call_ms"], f"2x + {CALL_MORE_MS} ms", row["call_ms"] <= most
        )
        start = document["python_start_ms"]
        yield Outcome(f"hot call, {row['name']}", row["call_ms"], "ms p50", "starting python3 -c pass", start, "0.2x", row["call_ms"] <= start / 5)


def lines(text: str) -> list[dict[str, Any]]:
    """Programs that print one object for each row."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def growth(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`registry.py growth`."""
    for row in rows:
        asked = row["what"] in {"search, API", "search, page", "package, page", "package, API"} and row["versions"] >= 1_000_000
        yield Outcome(
            f"{row['what']}, {row['database']}, {row['versions']:,} versions, 50 a second", row["p99"], "ms p99", promised="50 ms" if asked else "",
            kept=row["p99"] <= 50 if asked else None, note=f"p50 {row['p50']:.0f}, CPU {row['CPU ms']:.1f} ms, client late by {row['client late p99']:.0f}, load {row['load']:.1f}",
        )  # fmt: skip


def downloads(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`registry.py downloads`: what the bare file server gives is the baseline, so more is better."""
    ours = {row["bytes"]: row for row in rows if row["server"] == "registry"}
    for row in rows:
        if row["server"] != "registry":
            mine, share = ours[row["bytes"]], row["registry's share"]
            yield Outcome(
                f"downloads of {row['bytes']:,} bytes", mine["answers/s"], "each s", row["server"], row["answers/s"], "at least 0.8x", share >= 0.8,
                f"{share:.2f} is the median of turns; more is better",
            )  # fmt: skip


def accelerated(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`registry.py accel`: nginx alone is the baseline."""
    alone = {row["bytes"]: row for row in rows if row["server"] == "nginx alone"}
    for row in rows:
        if row["server"] != "nginx alone":
            asked, base = "asks" not in row["server"], alone[row["bytes"]]
            yield Outcome(
                f"downloads of {row['bytes']:,} bytes, {row['server']}", row["answers/s"], "each s", "nginx alone", base["answers/s"], "at least 0.8x" if asked else "",
                row["share"] >= 0.8 if asked else None, f"{row['share']:.2f} is the median of turns; CPU {row['CPU ms']:.3f} and {base['CPU ms']:.3f} ms; load {row['load']:.1f}; more is better",
            )  # fmt: skip


def times(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`registry.py publish` and `checkpoint`."""
    for row in rows:
        yield Outcome(f"{row['what']}, {row['versions']:,} versions", row["p50"], "ms p50", note=f"p99 {row['p99']:.1f}, load {row['load']:.1f}")


def rivals(rows: Sequence[Json]) -> Iterator[Outcome]:
    """`registry.py rivals`: ours and pypiserver stand in turns."""
    for mine in (row for row in rows if row["server"] == "registry"):
        for other in (row for row in rows if row["what"] == mine["what"] and row["server"] != "registry"):
            key, unit = ("CPU ms", "ms CPU") if "CPU ms" in mine else ("answers/s", "each s")
            if key in other:
                yield Outcome(f"registry: {mine['what']}", mine[key], unit, other["server"], other[key], note="more is better" if unit == "each s" else "")
