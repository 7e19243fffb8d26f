"""What a docstring says of parameters, in the styles of Google, NumPy and Sphinx. Used when a package is built, never in a call."""

from __future__ import annotations

import re
from inspect import cleandoc

_PARAMETERS = frozenset(("args", "arguments", "parameters", "params", "other parameters", "keyword args", "keyword arguments", "attributes"))
_RETURNS = frozenset(("returns", "return", "yields"))
_OTHERS = frozenset(("raises", "raise", "examples", "example", "note", "notes", "warning", "warnings", "see also", "references", "todo", "warns"))
_GOOGLE = re.compile(r"^(\*{0,2}\w+)\s*(?:\(([^)]*)\))?\s*:\s*(.*)$")
_SPHINX = re.compile(r"^:(param|parameter|arg|argument|key|keyword|returns?|rtype|raises?|type)\b([^:]*):\s*(.*)$")


class Docstring:
    """``text`` is what is left when the parts about parameters, returns and errors are taken out."""

    __slots__ = ("parameters", "returns", "text")

    def __init__(self) -> None:
        self.text = ""
        self.parameters: dict[str, str] = {}
        self.returns = ""


def read_docstring(found: str | None) -> Docstring:
    """Pure: a docstring, taken apart."""
    out = Docstring()
    lines = cleandoc(found or "").split("\n")
    kept: list[str] = []
    at = 0
    while at < len(lines):
        heading, body = _heading(lines, at)
        if heading:
            end = _end(lines, body, is_numpy=body == at + 2)
            _section(out, heading, lines[body:end], is_numpy=body == at + 2)
            at = end
        elif (sphinx := _SPHINX.match(lines[at])) is not None:
            at = _sphinx(out, sphinx, lines, at)
        else:
            kept.append(lines[at])
            at += 1
    out.text = re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
    return out


def _heading(lines: list[str], at: int) -> tuple[str, int]:
    """The word of a section that begins at this line, and where its body begins."""
    line = lines[at]
    known = _PARAMETERS | _RETURNS | _OTHERS
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if line.strip().lower() in known and following.strip() and set(following.strip()) == {"-"} and len(following.strip()) > 2:
        return line.strip().lower(), at + 2
    word = line[:-1].lower() if line.endswith(":") else ""
    # A section of Google's style is indented; "Note:" with a sentence behind it is prose.
    if word in known and following.startswith(" "):
        return word, at + 1
    return "", at


def _end(lines: list[str], at: int, *, is_numpy: bool) -> int:
    while at < len(lines):
        if is_numpy:
            if _heading(lines, at)[0]:
                return at
        elif lines[at] and not lines[at].startswith(" "):
            return at
        at += 1
    return at


def _section(out: Docstring, heading: str, body: list[str], *, is_numpy: bool) -> None:
    if heading in _PARAMETERS:
        out.parameters.update(_numpy(body) if is_numpy else _google(body))
    elif heading in _RETURNS:
        text = " ".join(" ".join(body).split())
        out.returns = " ".join(" ".join(body[1:]).split()) if is_numpy and len([line for line in body if line.strip()]) > 1 else text


def _google(body: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    indent = min((len(line) - len(line.lstrip()) for line in body if line.strip()), default=0)
    name = ""
    for line in body:
        inner = line[indent:]
        match = _GOOGLE.match(inner)
        if match is not None:
            name = match[1].lstrip("*")
            found[name] = [match[3]]
        elif name and inner.strip():
            found[name].append(inner.strip())
    return {name: " ".join(words).strip() for name, words in found.items()}


def _numpy(body: list[str]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in body:
        if line and not line.startswith(" "):
            names = [name.strip().lstrip("*") for name in line.partition(":")[0].split(",")]
            for name in names:
                found[name] = []
        elif line.strip():
            for name in names:
                found[name].append(line.strip())
    return {name: " ".join(words) for name, words in found.items()}


def _sphinx(out: Docstring, match: re.Match[str], lines: list[str], at: int) -> int:
    words = [match[3]]
    at += 1
    while at < len(lines) and lines[at].startswith(" "):
        words.append(lines[at].strip())
        at += 1
    text = " ".join(words).strip()
    if match[1] in {"param", "parameter", "arg", "argument", "key", "keyword"} and match[2].split():
        out.parameters[match[2].split()[-1].lstrip("*")] = text
    elif match[1] in {"return", "returns"}:
        out.returns = text
    return at
