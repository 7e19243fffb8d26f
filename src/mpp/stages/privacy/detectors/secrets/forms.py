"""The small language in which the table writes the form of a secret: literal text, and ``{class:least-most}`` for characters that are drawn.

One line gives the expression that judges, the probe that finds, and an example for tests, so the three cannot differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

from mpp.model.value import value
from mpp.stages.privacy.later import on_use

CLASSES = {
    "d": "0-9",
    "x": "0-9a-f",
    "h": "0-9A-Fa-f",
    "U": "0-9A-Z",
    "l": "0-9a-z",
    "w": "0-9A-Za-z",
    "b": "0-9A-Za-z_-",
    "s": "0-9A-Za-z+/",
    "t": "0-9A-Za-z_.~-",
    "v": "0-9A-Za-z_.=~%/+-",
    "2": "A-Z2-7",
    "q": "02-9AC-HJ-NP-Z",
    "e": "=",
}
"""Classes of characters by their letter: digits, hexadecimal, capitals, small letters, letters and digits, base64 for addresses, base64, base32, bech32, padding."""

PROBE_LITERAL_MIN = 5
"""Characters of literal text that are a probe by themselves. Reason: ``ghp_`` is rare enough, ``sk-`` stands in every other text."""

PROBE_DRAWN_MAX = 12
"""Drawn characters that a probe takes in where its literal text is short. Reason: enough that words do not fit, and the automaton stays small."""

_PART = on_use(r"\{(\w):(\d+)(?:-(\d+))?\}")


@value
class Part:
    """Literal text, or characters of a class; ``least`` 0 with literal text means neither."""

    text: str
    letters: str = ""
    least: int = 0
    most: int = 0

    @property
    def expression(self) -> str:
        return f"[{self.letters}]{{{self.least},{self.most}}}" if self.letters else re.escape(self.text)


def parts(form: str) -> Iterator[Part]:
    """The parts of one form. A bar has been taken out before."""
    at = 0
    for found in _PART.finditer(form):
        if found.start() > at:
            yield Part(text=form[at : found.start()])
        least = int(found[2])
        yield Part(text="", letters=CLASSES[found[1]], least=least, most=int(found[3] or least))
        at = found.end()
    if at < len(form):
        yield Part(text=form[at:])


def expression(form: str) -> str:
    """What judges: the whole form; group 1 is what follows the bar, or everything. A last part of one length must not go on."""
    before, bar, after = form.partition("|")
    shown = "".join(part.expression for part in parts(before)) if bar else ""
    hidden = list(parts(after if bar else before))
    last = hidden[-1]
    exact = r"(?![0-9A-Za-z])" if last.letters and last.least == last.most else ""
    return f"{shown}({''.join(part.expression for part in hidden)}){exact}"


def probe(form: str) -> str:
    """What finds: the literal beginning, with some of what is drawn after it where that beginning is short. Of one length always."""
    first, *rest = parts(form.replace("|", ""))
    found = _escape(first.text)
    if len(first.text) < PROBE_LITERAL_MIN and rest:
        found += f"[{rest[0].letters}]{{{min(rest[0].least, PROBE_DRAWN_MAX)}}}"
    return found


def _escape(text: str) -> str:
    """Both engines know these escapes; ``re.escape`` also gives some that one of them refuses."""
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


def example(form: str, random: Random) -> str:
    """A made-up secret of this form, with what stands before the bar."""
    return "".join(part.text or _draw(part, random) for part in parts(form.replace("|", "")))


def _draw(part: Part, random: Random) -> str:
    letters = [chr(code) for code in range(33, 127) if re.match(f"[{part.letters}]", chr(code))]
    return "".join(random.choice(letters) for _ in range(max(part.least, min(1, part.most))))
