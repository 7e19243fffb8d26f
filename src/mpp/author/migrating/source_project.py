"""The project of a migrated server: that of ``mpp init --lang python``, with the server in the place of the template's tool."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from mpp.author.migrating.draft import Identity
from mpp.author.migrating.source import Migrated
from mpp.author.scaffold import create_project, NewProject
from mpp.files import read_bounded, write_atomic
from mpp.limits import MIB
from mpp.model.fields import Faults
from mpp.model.jsontext import Json, read, shown

_MANIFEST = "manifest.json"
_TEMPLATE_FILES = ("app/main.py", "tests/test_main.py")
CELL_CHARS = 300
"""Characters of one line of the README. Reason: a list must stay one."""


def write_project(identity: Identity, parent: str, found: Migrated) -> NewProject:
    """Make the project, or refuse where the folder exists."""
    made = create_project(identity.name, lang="python", parent=parent, package_id=identity.package_id, publisher=identity.publisher)
    for name in _TEMPLATE_FILES:
        path = os.path.join(made.folder, *name.split("/"))
        if os.path.exists(path):
            os.unlink(path)
    entry = entry_name(found.entry)
    for name, data in found.files.items():
        path = os.path.join(made.folder, "app", *(entry if name == found.entry else name).split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomic(path, data)
    path = os.path.join(made.folder, _MANIFEST)
    write_atomic(path, manifest_of(read_bounded(path, MIB), found))
    write_atomic(os.path.join(made.folder, "README.md"), readme(identity, found).encode("utf-8"))
    if found.requirements:
        write_atomic(os.path.join(made.folder, "requirements.txt"), "".join(f"{line}\n" for line in found.requirements).encode("utf-8"))
    return made


def entry_name(name: str) -> str:
    """The module that starts; a file whose name is no module's becomes ``main.py``."""
    return name if name.removesuffix(".py").isidentifier() else "main.py"


def manifest_of(data: bytes, found: Migrated) -> bytes:
    """The template's manifest with the server's entrypoint and what it was seen to need."""
    document = read(data, family="manifest", where=_MANIFEST)
    if not isinstance(document, dict):
        faults = Faults("manifest")
        faults.add("type", "/", "is no object", "mend the template")
        faults.stop()
        return data
    runtime = document.get("runtime")
    changed: dict[str, Json] = {
        **document,
        "description": f"The tools of the MCP server {shown(found.entry, 100)}, as a package",
        "runtime": {**(runtime if isinstance(runtime, dict) else {}), "entrypoint": f"app/{entry_name(found.entry)}"},
        "capabilities": {**found.wanted.capabilities},
    }
    return json.dumps(changed, indent=2, ensure_ascii=False).encode("utf-8") + b"\n"


def readme(identity: Identity, found: Migrated) -> str:
    """What was changed, what is asked for, what a person must look at."""
    parts = [
        f"# {identity.name}",
        f"The MCP server `{found.entry}`, as a package. The manifest is a draft.",
        _list("Changed", (f"`{one.where}`: `{one.before}` became `{one.after}`" for one in found.edits)),
        _list("Asked for", (f"{'' if row.drafted else '**not drafted**, '}{row.what}: {row.evidence}" for row in found.wanted.rows)),
        _list("Will not work", (f"`{one.where}` {one.message}: {one.hint}" for one in found.reports if one.will_fail)),
        _list("To look at", (f"`{one.where}` {one.message}: {one.hint}" for one in found.reports if not one.will_fail)),
        "## Next",
        "\n".join((
            "1. Take out of `manifest.json` what the tools do not need.",
            *(("2. Lock the dependencies of `requirements.txt`: `mpp build --lock`.",) if found.requirements else ()),
            f"{3 if found.requirements else 2}. `mpp build`, then `mpp run --tool NAME --args '{{}}'`.",
            f"{4 if found.requirements else 3}. Compare with what the server answered: `mpp replay record`, `mpp replay run`, `mpp replay diff`.",
        )),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _list(title: str, lines: Iterable[str]) -> str:
    found = [f"- {shown(line, CELL_CHARS)}" for line in lines]
    return "\n".join((f"## {title}", "", *found)) if found else ""
