"""One row of a table of cases, and how it becomes a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from conformance.make.build import NOW, Package
from mpp.model.jsontext import Json

GATEKEEPER_CHECKS = {"content": 4, "signature": 5, "publisher": 5, "manifest": 6, "capability": 7, "wasm": 7}
ARCHIVE_CHECKS = {"archive": 1, "size": 2, "path": 3}
UNTRUSTED_EXIT = 20
Row: TypeAlias = str | int | bool | list[str]
"""A value of ``case.toml``."""
RUN_EXITS = {"call": 21, "consent": 22, "tool": 30, "layer": 31}

PLAIN_BYTES_MAX = 20_000
"""Bytes up to which a vector is written as it is. Reason: longer ones have runs that a recipe says in a few words."""

RUN_BYTES_MIN = 2_000
"""Equal bytes in a row from which a recipe fills. Reason: shorter runs would only make recipes long."""

STANDARD = "standard"
"""The trust document that believes the example publisher for com.example.hello and nothing else."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a package is called, and what must come back. HOST-CLI.md section 5 says what each field means."""

    tool: str = "greet"
    arguments: str = "{}"
    timeout_ms: int = 0
    """0: the host is told of no limit."""
    result: Json = None
    text: Json = None
    holds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A vector before it is written. ``code`` is empty for one that must be accepted."""

    id: str
    title: str
    clauses: str
    code: str
    data: bytes
    recipe: str = ""
    """Given by hand where the file is too large to make here; ``data`` is then the part."""
    trust: str | Mapping[str, Json] = STANDARD
    now: int = NOW
    package: Package | None = None
    call: Call | None = None
    """Of a vector of ``run``; ``code`` is then what the call ends with."""


def refuse(
    id_: str, title: str, clauses: str, code: str, data: bytes | Package, *, trust: str | Mapping[str, Json] = STANDARD, now: int = NOW, recipe: str = ""
) -> Case:
    """A case that a host must refuse with ``code``."""
    return Case(id=id_, title=title, clauses=clauses, code=code, data=data.data if isinstance(data, Package) else data, trust=trust, now=now, recipe=recipe)


def accept(
    id_: str, title: str, clauses: str, package: Package, *, trust: str | Mapping[str, Json] = STANDARD, now: int = NOW, data: bytes | None = None
) -> Case:
    """A case that a host must accept; ``package`` says as what, ``data`` are the bytes if they are not the package's own."""
    return Case(id=f"accept/{id_}", title=title, clauses=clauses, code="", data=package.data if data is None else data, trust=trust, now=now, package=package)


def run(id_: str, title: str, clauses: str, data: bytes | Package, call: Call, *, code: str = "", trust: str | Mapping[str, Json] = STANDARD) -> Case:
    """A case of a call. Without ``code`` it must succeed."""
    plain = data.data if isinstance(data, Package) else data
    return Case(id=f"run/{id_}", title=title, clauses=clauses, code=code, data=plain, trust=trust, call=call)


def _exit(family: str) -> int:
    check = (ARCHIVE_CHECKS | GATEKEEPER_CHECKS).get(family, 0)
    return UNTRUSTED_EXIT if family == "publisher" else 10 + check if check else RUN_EXITS[family]


def _called(case: Case, call: Call) -> dict[str, Row]:
    row: dict[str, Row] = {"code": case.code, "exit": _exit(case.code.partition(".")[0])} if case.code else {"accept": True, "exit": 0}
    row |= {"tool": call.tool, "arguments": call.arguments}
    optional: dict[str, Row] = {"timeout_ms": call.timeout_ms, "holds": [*call.holds]}
    return row | {key: item for key, item in optional.items() if item}


def _verdict(case: Case) -> dict[str, Row]:
    if case.call is not None:
        return _called(case, case.call)
    if case.package is not None and case.package.seal is not None:
        seal = case.package.seal
        return {
            "accept": True,
            "exit": 0,
            "package_id": seal.package_id,
            "version": seal.version,
            "content_hash": case.package.content_hash,
            "publisher_id": seal.by.id,
        }
    family = case.code.partition(".")[0]
    check = (ARCHIVE_CHECKS | GATEKEEPER_CHECKS)[family]
    stage = "archive" if family in ARCHIVE_CHECKS else "gatekeeper"
    return {"stage": stage, "check": check, "code": case.code, "exit": _exit(family)}


def shrink(data: bytes) -> tuple[str, bytes]:
    """A recipe and its part for ``data``; the recipe is empty if the bytes are few or have no long run."""
    if len(data) <= PLAIN_BYTES_MAX:
        return "", data
    steps: list[str] = []
    part = bytearray()
    at = 0
    for run in re.finditer(rb"(.)\1{%d,}" % (RUN_BYTES_MIN - 1), data, re.DOTALL):
        steps += [f"take:{run.start() - at}", f"fill:{run[1].hex()}*{run.end() - run.start()}"]
        part += data[at : run.start()]
        at = run.end()
    return (" ".join([*steps, f"take:{len(data) - at}"]), bytes(part + data[at:])) if steps else ("", data)


def write(case: Case, vectors: Path) -> None:
    """The folder of ``case`` below ``vectors``."""
    folder = vectors / case.id
    folder.mkdir(parents=True)
    recipe, part = (case.recipe, case.data) if case.recipe else shrink(case.data)
    row: dict[str, Row] = {"id": case.id, "title": case.title, "clauses": case.clauses.split(), **_verdict(case)}
    if case.call is None:
        row["now"] = case.now
    else:
        _expect(case.call, folder)
    if isinstance(case.trust, str):
        row["trust"] = case.trust
    else:
        (folder / "trust.json").write_bytes(trust_bytes(case.trust))
    if recipe:
        row["generate"] = recipe
    (folder / ("input.part" if recipe else "input.mpp")).write_bytes(part)
    # A JSON text, number, truth value or list of texts is also a TOML one.
    lines = [f"{key} = {json.dumps(item)}\n" for key, item in row.items()]
    (folder / "case.toml").write_text("".join(lines), encoding="utf-8")


def _expect(call: Call, folder: Path) -> None:
    """What the answer must be, beside the package."""
    for name, document in (("result", call.result), ("text", call.text)):
        if document is not None:
            (folder / f"{name}.json").write_bytes(json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8") + b"\n")


def trust_bytes(document: Mapping[str, Json]) -> bytes:
    """A trust document as people may read it."""
    return json.dumps(document, indent=1, sort_keys=True).encode("utf-8") + b"\n"
