"""Where a leaf stands in its message, as the steps of a JSON pointer. Worked out only when somebody asks."""

from __future__ import annotations

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Spot


ANSWER = "answer"
"""Where the filter's message of a whole run has what the tool returned."""
STRUCTURED = "structuredContent"


def returned(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The way from the value that the tool returned: its structured content, and else its answer. Spec: 3-policy P-91."""
    if steps[:1] != (ANSWER,):
        return steps
    return steps[2:] if steps[1:2] == (STRUCTURED,) else steps[1:]


class Pointers:
    """The ways from the one item of ``root`` to its leaves."""

    def __init__(self, root: list[Json]) -> None:
        self._root = root
        self._above: dict[int, tuple[int, str]] | None = None

    def of(self, spot: Spot) -> tuple[str, ...]:
        if self._above is None:
            self._above = _parents(self._root)
        steps = [str(spot.step)]
        at = id(spot.holder)
        while at in self._above:
            at, step = self._above[at]
            steps.append(step)
        # The first step leads from our own list of one to the message.
        return tuple(reversed(steps))[1:]


def _parents(root: list[Json]) -> dict[int, tuple[int, str]]:
    above: dict[int, tuple[int, str]] = {}
    stack: list[dict[str, Json] | list[Json]] = [root]
    while stack:
        holder = stack.pop()
        inner = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for step, item in inner:
            if isinstance(item, (dict, list)):
                above[id(item)] = (id(holder), str(step))
                stack.append(item)
    return above


def written(steps: tuple[str, ...]) -> str:
    """As a JSON pointer."""
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
