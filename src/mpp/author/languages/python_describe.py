"""Tool definitions out of Python sources: the tool is imported once, confined, by the Python that runs MPP, and says what it offers.

Attack: a project from elsewhere runs code of its own here. It sees a copy of what will be packed, the standard library and nothing else,
has no network and a minute of time; what it says is judged like a manifest of a stranger.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from base64 import b64decode
from collections.abc import Mapping

from mpp.author.languages.ports import DEFINITIONS_KEY, Job
from mpp.author.languages.python_names import LIBRARIES, SOURCES
from mpp.author.limits import DESCRIBE_BYTES_MAX, DESCRIBE_MEMORY_BYTES_MAX, DESCRIBE_SECONDS_MAX
from mpp.author.running import SYSTEM_FOLDERS, Confinement, Done, clean_environment, is_confined, run_confined
from mpp.author.vendoring.sdk import sdk_folder
from mpp.errors import Fault, HostFailed, Refused
from mpp.model.jsontext import Json, read, shown
from mpp.model.value import value

_START = """
import sys
sys.path[:0] = sys.argv[1].split('|')
sys.dont_write_bytecode = True
given = sys.argv[2:]
sys.argv = ['describe']
from mpp_sdk.describe import tell
sys.exit(tell(*given))
"""
_FAULTS_MAX = 50
_LISTS = ("mcp/prompts.json", "mcp/resources.json")


@value
class Described:
    definitions: tuple[Json, ...] | None
    files: Mapping[str, bytes]
    """Lists of prompts and resources, and what they name."""
    warnings: tuple[str, ...]


def describe(job: Job, members: Mapping[str, bytes]) -> Described:
    """What the tool says it offers. Where manifest.json alone counts, nothing of the project runs."""
    if job.declares_tools and job.settings.text(DEFINITIONS_KEY.name) == "manifest":
        return Described(definitions=None, files={}, warnings=())
    if not is_confined() and not job.trusts_project:
        words = "this system cannot hold the project's code while it is described: there is no Landlock"
        raise Refused("project.unconfined", words, hint="if the project is your own: mpp build --unconfined; else build where Linux has Landlock")
    stage = os.path.join(job.work, "describe")
    for name, data in members.items():
        path = os.path.join(stage, *name.split("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    job.progress("reading what the tool offers")
    return _read(_run(job, stage), job)


def _run(job: Job, stage: str) -> Done:
    sdk = sdk_folder()
    folders = (os.path.join(stage, SOURCES), sdk, os.path.join(stage, LIBRARIES))
    command = [sys.executable, "-I", "-S", "-B", "-c", _START, "|".join(folders), os.path.join(stage, *job.manifest.runtime.entrypoint.split("/")), stage]
    scratch = os.path.join(job.work, "scratch")
    os.makedirs(scratch, exist_ok=True)
    hold = Confinement(
        read=(stage, sdk, *interpreter_folders(), *SYSTEM_FOLDERS),
        write=(scratch,),
        network=job.allow_network,
        cpu=DESCRIBE_SECONDS_MAX,
        seconds=DESCRIBE_SECONDS_MAX,
        memory=DESCRIBE_MEMORY_BYTES_MAX,
    )
    env = clean_environment(scratch, {"PYTHONHASHSEED": "0"})
    return run_confined(command, folder=stage, env=env, hold=hold, again="install Python again", stdout_max=DESCRIBE_BYTES_MAX, what="the tool")


def interpreter_folders() -> tuple[str, ...]:
    """Where this Python has its program and its standard library, and nothing that was installed beside it but by accident of layout."""
    paths = sysconfig.get_paths()
    library = os.path.join(sys.base_prefix, "lib")
    found = (sys.executable, os.path.realpath(sys.executable), paths["stdlib"], paths["platstdlib"], sysconfig.get_config_var("LIBDIR") or library)
    return tuple(dict.fromkeys(found))


def _read(done: Done, job: Job) -> Described:
    found = _document(done)
    errors = found.get("errors")
    if isinstance(errors, list) and errors:
        raise Refused.of(tuple(_fault(item) for item in errors[:_FAULTS_MAX]))
    if done.status != 0:
        raise Refused(
            "project.describe",
            f"the tool cannot be imported\n{done.output}",
            where=job.manifest.runtime.entrypoint,
            hint="mend it; python app/main.py shows the same",
        )
    tools = found.get("tools")
    if not isinstance(tools, list):
        raise HostFailed("host.compiler_failed", "the SDK described the tool in a form that is not understood", hint="install model-package-protocol again")
    return Described(definitions=tuple(tools) or None, files=_files(found), warnings=_reports(found))


def _document(done: Done) -> dict[str, Json]:
    try:
        found = read(done.stdout, family="project", where="definitions") if done.stdout.strip() else {}
    except Refused:
        found = {}
    return found if isinstance(found, dict) else {}


def _fault(item: Json) -> Fault:
    said = item if isinstance(item, dict) else {}
    text = {key: shown(str(said.get(key) or ""), 300) for key in ("file", "line", "message", "hint", "parameter")}
    where = ":".join(part for part in (text["file"], text["line"]) if part)
    return Fault(
        "project.describe", where, (f"parameter {text['parameter']}: " if text["parameter"] else "") + text["message"], text["hint"] or "mend it at that place"
    )


def _files(found: Mapping[str, Json]) -> dict[str, bytes]:
    """Lists of prompts and resources, where the tool has some, and texts that belong to them."""
    out: dict[str, bytes] = {}
    for name in _LISTS:
        content = found.get(name.removeprefix("mcp/").removesuffix(".json"))
        if content is not None:
            out[name] = _json(content)
    texts = found.get("files")
    for name, content in texts.items() if isinstance(texts, dict) else ():
        if name.startswith("mcp/"):
            out[name] = _content(content, name)
    return out


def _content(content: Json, name: str) -> bytes:
    """``{"text": …}`` or ``{"base64": …}``."""
    given = content if isinstance(content, dict) else {}
    text, coded = given.get("text"), given.get("base64")
    try:
        if isinstance(text, str):
            return text.encode("utf-8")
        if isinstance(coded, str):
            return b64decode(coded, validate=True)
    except ValueError:
        pass  # said below
    raise Refused("project.describe", "is neither text nor base64", where=name, hint="mend the resource that the tool declares")


def _json(content: Json) -> bytes:
    import json  # noqa: PLC0415 - few tools have lists

    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def _reports(found: Mapping[str, Json]) -> tuple[str, ...]:
    reports = found.get("reports")
    rows = [item for item in reports if isinstance(item, dict)] if isinstance(reports, list) else []
    return tuple(f"{shown(str(item.get('file')), 200)}:{item.get('line')} {shown(str(item.get('message')), 300)}" for item in rows[:_FAULTS_MAX])
