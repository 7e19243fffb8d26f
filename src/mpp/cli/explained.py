"""The table of codes, in words for a person. It is shipped: spec/codes.toml in a checkout, a copy of it in a wheel."""

from __future__ import annotations

import os
import textwrap
import tomllib
from collections.abc import Iterator, Mapping
from typing import cast

from mpp.errors import HostFailed, Refused
from mpp.files import take
from mpp.limits import MIB
from mpp.model.fields import near
from mpp.model.jsontext import shown

TABLE_BYTES_MAX = 4 * MIB
"""Bytes of the table of codes. Reason: it has two hundred thousand, and bounds a wrong file."""

WIDTH = 90

_Row = Mapping[str, object]

_OTHERS = (
    ("0", "it is done"),
    ("130", "stopped with Ctrl-C"),
    ("141", "nobody reads the output any more"),
)


def _table() -> Mapping[str, Mapping[str, _Row]]:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for folder in (os.path.join(package, "spec"), os.path.join(os.path.dirname(os.path.dirname(package)), "spec")):
        path = os.path.join(folder, "codes.toml")
        if os.path.isfile(path):
            # Written by us and shipped with us; a damaged one is a damaged installation.
            return cast("Mapping[str, Mapping[str, _Row]]", tomllib.loads(bytes(take(path, TABLE_BYTES_MAX)).decode("utf-8")))
    raise HostFailed("host.file", "the table of codes is not there", where="spec/codes.toml", hint="install the package again")


def code_text(code: str) -> str:
    """What a code means, where it comes from and what to do."""
    table = _table()
    family, _, name = code.partition(".")
    row = table["codes"].get(code)
    if row is None:
        shared = table["shared"].get(name, {})
        families = shared.get("families", ())
        row = shared if isinstance(families, list) and family in families else None
    if row is None or family not in table["families"]:
        hint = near(code, [*_codes(table)]) or "docs/reference/codes.md lists all codes"
        raise Refused("usage.command", f"there is no code {shown(code)!r}", hint=hint)
    return "\n".join([code, "", f"  {row.get('meaning', '')}", f"  {row.get('hint', '')}", "", *_family_lines(family, table["families"][family])])


def _family_lines(family: str, row: _Row) -> Iterator[str]:
    yield f"family {family}: {row['meaning']}"
    check = f", check {row['check']}" if "check" in row else ""
    yield f"stage {row['stage']}{check}; exit code {row['exit']}, HTTP {row['http']}, JSON-RPC {row['jsonrpc']}"


def _codes(table: Mapping[str, Mapping[str, _Row]]) -> Iterator[str]:
    yield from table["codes"]
    for name, row in table["shared"].items():
        families = row.get("families", ())
        yield from (f"{family}.{name}" for family in (families if isinstance(families, list) else ()))


def exit_codes_text() -> str:
    """Each exit code with the families behind it."""
    by_number: dict[int, list[str]] = {}
    for family, row in _table()["families"].items():
        by_number.setdefault(cast("int", row["exit"]), []).append(f"{family}: {row['meaning']}")
    lines = ["What the number at the end of a command says", ""]
    for number in sorted(by_number):
        wrapped = [line for one in by_number[number] for line in textwrap.wrap(one, WIDTH, subsequent_indent="  ")]
        lines += [f"  {number:>3}  {wrapped[0]}", *(f"       {line}" for line in wrapped[1:])]
    lines += [f"  {number:>3}  {words}" for number, words in _OTHERS]
    return "\n".join([*lines, "", "A few commands use 1 for an answer that is no; their --help says so.", "mpp help CODE explains one error."])
