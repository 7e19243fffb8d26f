"""What a comparison passes over: JSON pointers, in which ``*`` stands for any one step, perhaps for one tool only."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.host.replays.limits import MASKS_MAX
from mpp.model.jsontext import shown
from mpp.model.value import value

ANY = "*"

Steps = tuple[str, ...]


@value
class Mask:
    tool: str
    """Empty: of every tool."""
    steps: Steps

    def covers(self, tool: str, at: Steps) -> bool:
        """Does it name this place? What is below a masked place is masked with it, because nobody looks there."""
        return self.tool in {"", tool} and len(self.steps) == len(at) and all(mine in {ANY, theirs} for mine, theirs in zip(self.steps, at, strict=True))


def read_masks(texts: tuple[str, ...]) -> tuple[Mask, ...]:
    """Each is ``/result/content/*/text``, or the same with the name of a tool before it: ``now/result/content``."""
    if len(texts) > MASKS_MAX:
        raise Refused("usage.option", f"more than {MASKS_MAX} masks", hint="take * for steps that differ")
    return tuple(_mask(text) for text in texts)


def _mask(text: str) -> Mask:
    tool, slash, rest = text.partition("/")
    steps = tuple(step.replace("~1", "/").replace("~0", "~") for step in rest.split("/"))
    if not slash or steps[0] not in {"result", "error"}:
        hint = "write /result/content/0/text or /error/message; * stands for one step; the name of a tool before it binds it to that tool"
        raise Refused("usage.option", f"{shown(text)!r} is no mask", where="--mask", hint=hint)
    return Mask(tool=tool, steps=steps)


def pointer(steps: Steps) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
