"""Ask recorded calls once more, of a server or of a package, and write down what comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from mpp.errors import Refused
from mpp.host.replays.calls import Call, lines, read_call, Recorded, Recording, rest_of
from mpp.host.replays.client import Client
from mpp.host.replays.limits import CALLS_MAX
from mpp.model.value import value


class Target(Protocol):
    """Whoever is asked."""

    def call(self, call: Call) -> Recorded: ...


@value
class Renamed:
    """A server at which the tools of one package stand under its alias, as behind `mpp serve`."""

    client: Client
    prefix: str

    def call(self, call: Call) -> Recorded:
        """The recording keeps the name without the alias, so that both sides name one tool."""
        found = self.client.call(Call(tool=self.prefix + call.tool, arguments=call.arguments))
        return Recorded(call=call, result=found.result, error=found.error)


def calls_of(path: str) -> list[Call]:
    """The calls of a file; what was answered to them is not needed."""
    return [read_call(line, where) for where, line in lines(path)]


def run_calls(calls: list[Call], target: Callable[[], Target], out: str, *, resume: bool, tell: Callable[[int, Recorded], None] = lambda _n, _r: None) -> int:
    """Write down each answer as soon as it is there; the number of those that were asked now. The target is made only where something is left to ask."""
    if not calls:
        raise Refused("usage.option", "there is no call to make", hint="give --call TOOL=JSON or --calls FILE")
    if len(calls) > CALLS_MAX:
        raise Refused("usage.option", f"more than {CALLS_MAX} calls", hint="make several recordings")
    with Recording(out, resume=resume) as recording:
        left = rest_of(calls, recording.kept, out)
        for number, answer in enumerate(_answers(left, target), len(recording.kept) + 1):
            recording.add(answer)
            tell(number, answer)
    return len(left)


def _answers(calls: Iterable[Call], target: Callable[[], Target]) -> Iterator[Recorded]:
    made: Target | None = None
    for call in calls:
        made = made or target()
        yield made.call(call)


@contextmanager
def server(client: Callable[[], Client]) -> Iterator[Callable[[], Client]]:
    """Makes the client when it is first asked for, and ends it."""
    made: list[Client] = []

    def once() -> Client:
        if not made:
            made.append(client())
        return made[0]

    try:
        yield once
    finally:
        for one in made:
            one.close()
