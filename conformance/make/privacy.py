"""Messages for the privacy filter: one row of a table each, and how it becomes a folder. HOST-CLI.md section 8.

A made-up secret has the sign of a section inside; on the disk an escape of JSON stands there, so that no scanner of secrets takes it for a real one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mpp.model.jsontext import Json

FOLDER = "privacy"
"""Below the vectors: ``privacy/GROUP/CASE``."""

SIGN = "\\u00a7"
"""The sign of a section, as JSON writes it."""

NOTHING: Mapping[str, Json] = {}


@dataclass(frozen=True, kw_only=True)
class Message:
    """A vector before it is written."""

    group: str
    name: str
    title: str
    clauses: str
    message: Json
    gone: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()
    counts: str = ""
    """``type=number``, with spaces between."""
    same: bool = False
    withheld: str = ""
    form: Json = None
    """What the message must be; texts that begin with ``~`` are regular expressions."""
    context: Mapping[str, Json] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{FOLDER}/{self.group}/{self.name}"


def table(**privacy: Json) -> Mapping[str, Json]:
    """The context of a call under one policy with this table."""
    return {"policy": {"mpp_policy": 1, "name": "user-rules", "rules": [{"id": "allow", "effect": "allow"}], "privacy": privacy}}


REDACT = table(actions={"default": "redact"})
"""The one action whose outcome is the same on every host."""


def write_message_case(case: Message, vectors: Path) -> None:
    """The folder of a vector: ``case.toml``, ``input.json``, ``context.json`` and, where the outcome is known in full, ``message.json``."""
    folder = vectors / case.id
    folder.mkdir(parents=True)
    (folder / "input.json").write_text(_escaped(json.dumps(case.message)) + "\n", encoding="ascii")
    (folder / "context.json").write_text(json.dumps(dict(case.context), indent=1) + "\n", encoding="ascii")
    if case.form is not None:
        (folder / "message.json").write_text(json.dumps(case.form) + "\n", encoding="ascii")
    row: dict[str, str | bool | list[str]] = {"id": case.id, "title": case.title, "clauses": case.clauses.split()}
    row |= {name: [*found] for name, found in (("gone", case.gone), ("stays", case.stays), ("counts", case.counts.split())) if found}
    row |= {"same": True} if case.same else {}
    row |= {"withheld": case.withheld} if case.withheld else {}
    (folder / "case.toml").write_text("".join(f"{key} = {_toml(item)}\n" for key, item in row.items()), encoding="ascii")


def _escaped(text: str) -> str:
    """The character behind each sign as an escape of JSON, and no sign."""
    first, *others = text.split(SIGN)
    return first + "".join(f"\\u{ord(one[0]):04x}{one[1:]}" for one in others)


def _toml(found: str | bool | list[str]) -> str:
    if isinstance(found, list):
        return f"[{', '.join(_toml(one) for one in found)}]"
    return json.dumps(found) if isinstance(found, bool) else f'"{"".join(map(_character, found))}"'


def _character(one: str) -> str:
    """TOML has no pairs of surrogates."""
    return f"\\U{ord(one):08x}" if ord(one) > 0x7E or ord(one) < 0x20 else f"\\{one}" if one in '"\\' else one


def make_messages(found: Iterable[Message], vectors: Path) -> int:
    """Write all of them and return their number."""
    count = 0
    for count, case in enumerate(found, 1):  # noqa: B007 - the last number is the count
        write_message_case(case, vectors)
    return count
