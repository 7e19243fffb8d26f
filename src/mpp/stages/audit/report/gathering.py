"""One pass over the record: what is counted for the report. Memory does not grow with the record. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from mpp.stages.audit.report.limits import EXAMPLES_MAX, ROWS_MAX
from mpp.stages.audit.report.topics import TOPICS
from mpp.stages.audit.report.types import Evidence, Inventory, Period, Ref, Row
from mpp.stages.audit.told import Line, Told, told_of

ALL = "entries"

_TITLES = {
    "tools": "Agents, tools and exact packages (agent, package, tool, content hash)",
    "hosts": "Hosts that calls connected to",
    "people": "Who approved, agreed, stopped or changed something",
    "refusals": "Why calls were refused or failed",
}


class _Count:
    """Of one sort of entry."""

    __slots__ = ("count", "examples", "first", "last")

    def __init__(self) -> None:
        self.count = 0
        self.first: Ref | None = None
        self.last: Ref | None = None
        self.examples: list[int] = []

    def add(self, line: Line) -> None:
        self.count += 1
        self.last = Ref(seq=line.seq, at=line.at)
        self.first = self.first or self.last
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(line.seq)

    def evidence(self, topic: str, words: str) -> Evidence:
        return Evidence(topic=topic, words=words, count=self.count, first=self.first, last=self.last, examples=tuple(self.examples))


class _Names:
    """How often each name stands in the record; the first ``ROWS_MAX`` of them."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[int, Ref, Ref]] = {}
        self._more = 0

    def add(self, name: str, line: Line) -> None:
        here = Ref(seq=line.seq, at=line.at)
        known = self._rows.get(name)
        if known is not None:
            self._rows[name] = (known[0] + 1, known[1], here)
        elif len(self._rows) < ROWS_MAX:
            self._rows[name] = (1, here, here)
        else:
            self._more += 1

    def inventory(self, title: str) -> Inventory:
        rows = [Row(name=name, count=count, first=first, last=last) for name, (count, first, last) in self._rows.items()]
        return Inventory(title=title, rows=tuple(sorted(rows, key=lambda row: (-row.count, row.name))), more=self._more)


class Findings:
    """What the entries of a period come to."""

    def __init__(self, period: Period) -> None:
        self.period = period
        self._counts = {ALL: _Count(), **{topic.key: _Count() for topic in TOPICS}}
        self._words = {ALL: "entries of this period", **{topic.key: topic.words for topic in TOPICS}}
        self._names = {key: _Names() for key in _TITLES}

    def add(self, line: Line) -> None:
        if not self.period.covers(line.at):
            return
        said = told_of(line)
        self._counts[ALL].add(line)
        for topic in TOPICS:
            if topic.holds(line, said):
                self._counts[topic.key].add(line)
        self._add_names(line, said)

    def _add_names(self, line: Line, said: Told) -> None:
        if line.kind == "intent":
            name = f"{said.agent or '(no name)'}  {said.package}  {said.tool}  {said.content}"
            self._names["tools"].add(name, line)
        for host in said.hosts:
            self._names["hosts"].add(host, line)
        for person in said.approvers:
            self._names["people"].add(person, line)
        if said.code and line.kind in {"refused", "result", "approval-refused"}:
            self._names["refusals"].add(said.code, line)

    def of(self, topic: str) -> Evidence:
        return self._counts[topic].evidence(topic, self._words[topic])

    def count(self, topic: str) -> int:
        return self._counts[topic].count

    def inventories(self) -> tuple[Inventory, ...]:
        return tuple(self._names[key].inventory(title) for key, title in _TITLES.items())


def gather(lines: Iterable[Line], period: Period) -> Findings:
    found = Findings(period)
    for line in lines:
        found.add(line)
    return found
