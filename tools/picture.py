"""The picture of the pipeline: one drawing, for light and dark pages. ``python -m tools.picture`` writes docs/images/pipeline-*.svg."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "images"
WIDTH, HEIGHT = 980, 270
BOX, GAP, TOP, TALL = 116, 10, 84, 112
LEFT = 52

STAGES = (
    ("1", "Archive", ("one encoding,", "or no file")),
    ("2", "Gatekeeper", ("signature,", "publisher,", "manifest, code")),
    ("3", "Policy", ("allow, ask,", "deny: your rules,", "in plain words")),
    ("4", "Approval", ("a person's yes", "to one call,", "spent once")),
    ("5", "Sandbox", ("WebAssembly in", "a held process:", "what was granted")),
    ("6", "Privacy", ("secrets and", "personal data", "stay here")),
    ("7", "Audit", ("each call in a", "signed log that", "shows edits")),
)
"""Number, name, and what the stage does, in lines that fit the box."""

REFUSED = ("changed bytes", "unknown maker", "forbidden calls", "no answer", "rights it has not", "leaks", "silent edits")


LAST = "what does not pass is refused, with a code and a reason; there is no “run anyway”"


class Colours(NamedTuple):
    text: str
    quiet: str
    line: str
    once: str
    each: str
    accent: str
    bad: str


SCHEMES = {
    "light": Colours(text="#1f2328", quiet="#59636e", line="#8c959f", once="#eaf3ff", each="#eefbf1", accent="#0969da", bad="#b42318"),
    "dark": Colours(text="#f0f6fc", quiet="#9aa4af", line="#6e7681", once="#10233c", each="#10281a", accent="#58a6ff", bad="#ff7b72"),
}

TITLE = "How a call passes through MPP"
ABOUT = (
    "A signed .mpp file is checked once by archive and gatekeeper. Each call then passes policy, approval, sandbox, privacy filter and audit before the agent "
    "gets its answer over MCP. What does not pass is refused, with a code."
)


def picture(colours: Colours) -> str:
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(TITLE)}</title>',
        f'<desc id="about">{escape(ABOUT)}</desc>',
        f'<g font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="12" fill="{colours.text}">',
    ]
    parts += _brackets(colours)
    parts += [line for place, _ in enumerate(STAGES) for line in _stage(place, colours)]
    parts += _ends(colours)
    return "\n".join([*parts, "</g>", "</svg>", ""])


def _x(place: int) -> int:
    return LEFT + place * (BOX + GAP)


def _brackets(colours: Colours) -> list[str]:
    found = []
    for first, last, words in ((0, 1, "once: is it what its maker signed?"), (2, 6, "every call: may it, what does it get, what does it say, what happened?")):
        left, right = _x(first), _x(last) + BOX
        found.append(f'<path d="M{left} {TOP - 14} v-8 H{right} v8" fill="none" stroke="{colours.line}"/>')
        found.append(f'<text x="{(left + right) // 2}" y="{TOP - 32}" text-anchor="middle" fill="{colours.quiet}">{escape(words)}</text>')
    return found


def _stage(place: int, colours: Colours) -> list[str]:
    number, name, lines = STAGES[place]
    left, middle = _x(place), _x(place) + BOX // 2
    found = [
        f'<rect x="{left}" y="{TOP}" width="{BOX}" height="{TALL}" rx="8" fill="{colours.once if place < 2 else colours.each}" stroke="{colours.line}"/>',
        f'<text x="{middle}" y="{TOP + 24}" text-anchor="middle" font-size="15" font-weight="600"><tspan font-size="11" font-weight="400" fill="{colours.quiet}">{number} </tspan>{escape(name)}</text>',
    ]
    found += [
        f'<text x="{middle}" y="{TOP + 52 + 18 * row}" text-anchor="middle" fill="{colours.quiet}">{escape(line)}</text>' for row, line in enumerate(lines)
    ]
    if place:
        found.append(f'<path d="M{left - GAP} {TOP + TALL // 2} h{GAP}" stroke="{colours.accent}" stroke-width="2"/>')
    found.append(f'<path d="M{middle} {TOP + TALL} v22 m-4 -6 l4 6 l4 -6" fill="none" stroke="{colours.bad}"/>')
    found.append(f'<text x="{middle}" y="{TOP + TALL + 38}" text-anchor="middle" fill="{colours.bad}">{escape(REFUSED[place])}</text>')
    return found


def _ends(colours: Colours) -> list[str]:
    middle, right = TOP + TALL // 2, _x(6) + BOX
    bottom = TOP + TALL + 60
    arrow = f'fill="none" stroke="{colours.accent}" stroke-width="2"'
    return [
        f'<text x="4" y="{middle - 8}" font-weight="600" fill="{colours.accent}">.mpp</text>',
        f'<path d="M4 {middle} H{LEFT - 2} m-6 -5 l6 5 l-6 5" {arrow}/>',
        f'<path d="M{right} {middle} H{WIDTH - 4} m-6 -5 l6 5 l-6 5" {arrow}/>',
        f'<text x="{WIDTH - 4}" y="{middle - 8}" text-anchor="end" font-weight="600" fill="{colours.accent}">agent</text>',
        f'<text x="{WIDTH - 4}" y="{middle + 22}" text-anchor="end" fill="{colours.quiet}">MCP</text>',
        f'<text x="{WIDTH // 2}" y="{bottom}" text-anchor="middle" fill="{colours.quiet}">{escape(LAST)}</text>',
    ]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, colours in SCHEMES.items():
        (FOLDER / f"pipeline-{name}.svg").write_text(picture(colours), encoding="utf-8")


if __name__ == "__main__":
    main()
