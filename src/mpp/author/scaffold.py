"""``mpp init``: a complete, commented project that builds at once. It asks nothing that it can guess."""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from mpp.author.languages.ports import Language
from mpp.author.limits import GIT_SECONDS_MAX, PACKAGE_ID_CHARS_MAX, PUBLISHER_CHARS_MAX, TOOL_NAME_CHARS_MAX
from mpp.author.project import check_language
from mpp.errors import HostFailed, Refused
from mpp.files import move_folder
from mpp.model.fields import Faults, near
from mpp.model.jsontext import shown
from mpp.model.paths import path_fault
from mpp.model.value import value

EXAMPLE_PUBLISHER = "Example Publisher"

COMMON = "common"
"""The folder of what every project gets, below those of the languages."""

TEMPLATES: dict[str, str] = {
    "http-api": "asks a web API, with a secret that the tool never sees",
    "files": "reads the files of folders that a person grants",
    "kv": "keeps state between calls",
    "legacy-port": "an MCP server written for FastMCP, ported",
}
"""What ``--template`` knows, and what its tool does. A language need not have all."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PACKAGE_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+")


@value
class NewProject:
    """What ``mpp init`` made. ``next_steps`` are commands, in order."""

    folder: str
    files: tuple[str, ...]
    next_steps: tuple[str, ...]


def create_project(name: str, *, lang: str, parent: str, template: str = "", package_id: str = "", publisher: str = "") -> NewProject:
    """Make ``parent/name``, or ``parent/tools/name`` where ``parent/tools`` exists: whole, or not at all."""
    language = _check(name, lang, template, package_id, publisher)
    parent = os.path.abspath(parent)
    tools = os.path.join(parent, "tools")
    # Attack: a link in a project from elsewhere would have us write outside of it.
    if os.path.isdir(tools) and not os.path.islink(tools):
        parent = tools
    if not os.path.isdir(parent):
        raise Refused("project.folder", "there is no such folder", where=parent, hint="make it first, or go to another folder")
    target = os.path.join(parent, name)
    if os.path.lexists(target):
        raise Refused("project.exists", "the folder exists already", where=target, hint="take another name, or move the folder away")
    # The publisher comes last: it is free text, and what it holds is then never taken for a marker.
    markers = {"name": name, "package_id": package_id or f"com.example.{name}", "publisher": publisher or guess_publisher()}
    made = {file: _filled(source, markers) for file, source in template_files(language.name, template).items()}
    _write_whole(target, made)
    return NewProject(folder=target, files=tuple(made), next_steps=_next_steps(target, name, made))


def template_files(language: str, template: str = "") -> dict[str, Traversable]:
    """The files of a new project by name, sorted: those of all, of the language, and of the template, each laid over the ones before.

    Whatever lies in the folders is part of it. A name with a leading dot would be taken for a rule of our own repository, so it is ``dot-`` there.
    """
    root = files("mpp.author").joinpath("templates")
    found: dict[str, Traversable] = {}
    for folder in (COMMON, language, f"{language}+{template}" if template else ""):
        if folder and (base := root.joinpath(folder)).is_dir():
            found |= dict(_below(base, ""))
    return dict(sorted(found.items()))


def _below(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        inner = f"{name}/" * bool(name) + re.sub("^dot-", ".", item.name)
        if item.is_dir() and item.name != "__pycache__":
            yield from _below(item, inner)
        elif item.is_file():
            yield inner, item


def templates_of(language: str) -> tuple[str, ...]:
    """The templates that a language has."""
    root = files("mpp.author").joinpath("templates")
    return tuple(name for name in TEMPLATES if root.joinpath(f"{language}+{name}").is_dir())


def _check(name: str, lang: str, template: str, package_id: str, publisher: str) -> Language:
    faults = Faults("project")
    if len(name) > TOOL_NAME_CHARS_MAX or _NAME.fullmatch(name) is None or path_fault(name) is not None:
        form = f"lower-case letters, digits and single dashes, begins with a letter, has at most {TOOL_NAME_CHARS_MAX} characters"
        faults.add("name", "NAME", f"{shown(name)!r} is no project name: one is {form}", f"for example: mpp init {_suggestion(name)}")
    language = check_language(lang, "--lang", faults)
    if template and language is not None:
        _check_template(template, language, faults)
    if package_id and (len(package_id) > PACKAGE_ID_CHARS_MAX or _PACKAGE_ID.fullmatch(package_id) is None):
        hint = "write a domain you own backwards, then the name: com.example.hello"
        faults.add("package_id", "--package-id", f"{shown(package_id)!r} is no package id", hint)
    if publisher and not _is_publisher(publisher):
        hint = f"write a name of 1 to {PUBLISHER_CHARS_MAX} printable characters"
        faults.add("publisher", "--publisher", f"{shown(publisher)!r} is no publisher name", hint)
    faults.stop()
    if language is None:  # it was a fault
        raise Refused("project.language", "the language is not known", where="--lang")
    return language


def _check_template(template: str, language: Language, faults: Faults) -> None:
    known = templates_of(language.name)
    if template not in known:
        hint = near(template, known) or (
            f"for {language.title} there are: {', '.join(known)}" if known else f"{language.title} has one template: leave the option out"
        )
        faults.add("template", "--template", f"there is no template {shown(template)!r} for {language.title}", hint)


def _suggestion(name: str) -> str:
    """The nearest name that will do."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).lstrip("-0123456789")[:TOOL_NAME_CHARS_MAX].strip("-")
    if not words:
        return "my-tool"
    return words if path_fault(words) is None else f"{words}-tool"


def _is_publisher(text: str) -> bool:
    return 0 < len(text) <= PUBLISHER_CHARS_MAX and text.isprintable() and text.strip() == text


def guess_publisher() -> str:
    """The name that git knows the author by, or a plain example."""
    return _git_name() or EXAMPLE_PUBLISHER


def _git_name() -> str:
    """The author's name as git knows it, or nothing.

    Attack: the settings of a clone name another person; only the user's own count, and git is not started in the clone.
    """
    git = shutil.which("git")
    if git is None:
        return ""
    try:
        done = subprocess.run(
            [git, "config", "--global", "user.name"],
            cwd=os.path.expanduser("~"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_SECONDS_MAX,
            check=False,
        )
        found = done.stdout.decode("utf-8").strip()
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return found if _is_publisher(found) else ""


def _filled(source: Traversable, markers: dict[str, str]) -> bytes:
    """A template with its markers replaced; values are written as inside a JSON string, the only place free text goes."""
    text = source.read_text(encoding="utf-8")
    for marker, found in markers.items():
        text = text.replace("{{" + marker + "}}", json.dumps(found, ensure_ascii=False)[1:-1])
    return text.encode("utf-8")


def _write_whole(target: str, contents: dict[str, bytes]) -> None:
    """Build a hidden sibling and rename it: an interruption leaves no half project under the name."""
    parent, name = os.path.split(target)
    work = os.path.join(parent, f".{name}.{secrets.token_hex(8)}.new")
    try:
        os.mkdir(work)
        for made, data in contents.items():
            path = os.path.join(work, *made.split("/"))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        move_folder(work, target)
    except OSError as fault:
        raise HostFailed("host.file", f"cannot write the project: {fault.strerror}", where=target, hint="check space and rights of the folder") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _next_steps(folder: str, name: str, made: dict[str, bytes]) -> tuple[str, ...]:
    try:
        shorter = os.path.relpath(folder)
    except (OSError, ValueError):  # the current folder is gone, or is on another drive
        shorter = folder
    file = f"{name}-0.1.0.mpp"
    return (
        f"cd {shlex.quote(min(shorter, folder, key=len))}",
        "mpp build",
        *_first_call(made),
        "mpp keygen -o ~/.mpp/keys",
        f"mpp sign {file} -k ~/.mpp/keys/publisher.key",
        f"mpp verify {file}",
    )


def _first_call(made: dict[str, bytes]) -> tuple[str, ...]:
    """The first command under "Try it" in the project's README: there a template says how its tool is called."""
    after = made.get("README.md", b"").decode("utf-8").partition("\nmpp run ")[2]
    return (f"mpp run {after.partition(chr(10))[0]}",) if after else ()
