"""A project folder: where it is, and what its ``mpp.toml`` says about building it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import takewhile
from typing import TYPE_CHECKING

from mpp.author.settings import FOLDER, PATTERN, BuildSettings
from mpp.author.limits import FILES_MAX, FLAG_CHARS_MAX, PATTERN_CHARS_MAX, PATTERNS_MAX, SETTINGS_BYTES_MAX, SETTINGS_DOTS_MAX
from mpp.errors import Fault, Refused
from mpp.files import read_bounded
from mpp.limits import FAULTS_MAX
from mpp.model.fields import Faults, Fields, near
from mpp.model.jsontext import Json, shown
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.paths import path_fault
from mpp.model.value import value

if TYPE_CHECKING:  # every command looks for a project, few are in one
    from mpp.author.languages.ports import Key, Language

__all__ = (
    "FOLDER",
    "MANIFEST",
    "PATTERN",
    "SETTINGS",
    "BuildSettings",
    "Project",
    "check_language",
    "find_project",
    "language_of",
    "matching_files",
    "read_project",
)

MANIFEST = "manifest.json"
SETTINGS = "mpp.toml"


# An end may be missing: each position is looked at once, whatever the line holds.
_TEXT_OR_COMMENT = re.compile(r""""(?:[^"\\]|\\.)*"?|'[^']*'?|\#.*""")


@value
class Project:
    """A folder with a manifest, and how to build it. Paths are absolute."""

    root: str
    manifest_path: str
    settings: BuildSettings


def find_project(start: str) -> Project | None:
    """The project that ``start`` is in: the nearest folder, upwards, with ``mpp.toml`` or ``manifest.json``."""
    here = os.path.abspath(start)
    if _holds_project(here):
        return read_project(here)
    while (above := os.path.dirname(here)) != here:
        here = above
        # Attack: in a shared folder such as /tmp somebody else's project would take over a build below it.
        if not _world_writable(here) and _holds_project(here):
            return read_project(here)
    return None


def _holds_project(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name)) for name in (SETTINGS, MANIFEST))


def _world_writable(folder: str) -> bool:
    try:
        return bool(os.stat(folder).st_mode & stat.S_IWOTH) and os.name == "posix"
    except OSError:
        return True


def read_project(root: str) -> Project:
    """Read the settings of the project in ``root``; all their faults are named at once."""
    root = os.path.abspath(root)
    manifest = os.path.join(root, MANIFEST)
    if not os.path.isfile(manifest):
        raise Refused("project.no_manifest", f"there is no {MANIFEST} here", where=root, hint="go to the project's folder, or begin one with: mpp init NAME")
    path = os.path.join(root, SETTINGS)
    for name in (MANIFEST, SETTINGS):
        if os.path.lexists(os.path.join(root, name)):
            _check_file(root, name)
    try:
        settings = _settings(_read_toml(path)) if os.path.lexists(path) else BuildSettings()
    except Refused as fault:
        raise Refused.of((*fault.faults, *_manifest_faults(manifest))[:FAULTS_MAX]) from None
    return Project(root=root, manifest_path=manifest, settings=settings)


def _manifest_faults(path: str) -> tuple[Fault, ...]:
    """The manifest is judged anyway when a package is made; here it spares the author a second run."""
    from mpp.author.draft import read_draft  # noqa: PLC0415 - needed only when something is wrong already

    try:
        # Which language it is of is what could not be read, so what some leave out is not missed.
        read_draft(read_bounded(path, MANIFEST_BYTES_MAX), lenient=True)
    except Refused as fault:
        return fault.faults
    return ()


def _read_toml(path: str) -> dict[str, Json]:
    import tomllib  # noqa: PLC0415 - every command looks for a project, few are in one

    data = read_bounded(path, SETTINGS_BYTES_MAX)
    try:
        text = data.decode("utf-8")
        _check_cost(text, path)
        # Dates are the one kind that JSON lacks; every getter of Fields refuses them as of a wrong type.
        found: dict[str, Json] = tomllib.loads(text)
    except UnicodeDecodeError:
        raise Refused("project.toml", "the text is not UTF-8", where=path, hint="save the file as UTF-8") from None
    # Not only TOMLDecodeError: an integer of 5,000 digits is refused by Python itself.
    except ValueError as fault:
        raise Refused("project.toml", f"not TOML: {shown(str(fault))}", where=path, hint="mend the TOML syntax at that place") from None
    except RecursionError:
        raise Refused("project.toml", "nested too deep", where=path, hint="flatten the document") from None
    return found


def _check_cost(text: str, path: str) -> None:
    """Attack: one key of 8,000 parts keeps the parser busy for a second, a longer one fills memory.

    Texts of more than one line are refused, so that each line can be judged alone.
    """
    for line in text.split("\n"):
        if '"""' in line or "'''" in line:
            raise Refused("project.toml", "holds a text of more than one line", where=path, hint="write the text on one line, in single quotation marks")
        if _TEXT_OR_COMMENT.sub("", line).count(".") > SETTINGS_DOTS_MAX:
            raise Refused("project.toml", f"a line has more than {SETTINGS_DOTS_MAX} dots outside of texts", where=path, hint="write shorter keys")


def _settings(found: dict[str, Json]) -> BuildSettings:
    faults = Faults("project")
    top = Fields(found, SETTINGS, faults)
    build = top.object("build", required=False)
    settings = BuildSettings() if build is None else _build_settings(build, faults)
    top.end()
    faults.stop()
    return settings


def _build_settings(build: Fields, faults: Faults) -> BuildSettings:
    language = build.text("language", most=PATTERN_CHARS_MAX, default="", least=0)
    given: dict[str, tuple[str, ...]] = {}
    found = check_language(language, build.path("language"), faults) if language else None
    if found is not None:
        language = found.name
        given = {key.name: texts for key in found.keys if (texts := _read_key(build, key, faults))}
    assets = build.texts(
        "assets", most=PATTERNS_MAX, each_most=PATTERN_CHARS_MAX, pattern=PATTERN, form="a pattern such as 'assets/**' below the project's folder"
    )
    settings = BuildSettings(language=language, assets=assets if build.has("assets") else BuildSettings().assets, given=given)
    # Which keys an unknown language would read, nobody knows.
    if not language or found is not None:
        build.end()
    return settings


def _read_key(build: Fields, key: Key, faults: Faults) -> tuple[str, ...]:
    """A list of texts, or one text as a list of one; empty where nothing is given."""
    pattern, form = (key.pattern, key.form) if key.fault == "form" else (None, "")
    if key.many:
        texts = build.texts(key.name, most=PATTERNS_MAX, each_most=FLAG_CHARS_MAX, pattern=pattern, form=form)
    else:
        one = build.text(key.name, most=FLAG_CHARS_MAX, default="", pattern=pattern, form=form)
        texts = (one,) if one else ()
    if key.fault == "flag":
        for i, text in enumerate(texts):
            if key.pattern.fullmatch(text) is None:
                faults.add("flag", f"{build.path(key.name)}/{i}", f"{shown(text)!r} is not allowed", key.form)
    if key.required and not texts:
        faults.add("sources", build.path(key.name), f"{key.name} names nothing", key.hint)
    return texts


def language_of(project: Project) -> Language | None:
    """The language that the project is written in; None where a ready module is packed."""
    if not project.settings.language:
        return None
    from mpp.author.languages.registry import find_language  # noqa: PLC0415 - every command looks for a project, few build one

    return find_language(project.settings.language)


def check_language(language: str, where: str, faults: Faults) -> Language | None:
    """The language by name or alias; a fault is noted unless projects can be written in it."""
    from mpp.author.languages.registry import NAMES, find_language  # noqa: PLC0415 - as above

    found = find_language(language)
    if found is None:
        hint = near(language, NAMES) or f"take one of: {', '.join(NAMES)}; modules of other compilers are packed with: mpp build --wasm FILE"
        faults.add("language", where, f"the language {shown(language)!r} is not known", hint)
    return found


def matching_files(root: str, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The files below ``root`` that a pattern names, as sorted relative names with ``/``.

    ``*`` and ``?`` stay within one component, ``**`` crosses them. Hidden files never match. A pattern that matches
    nothing gives nothing. Links are not followed; a link that matches is refused.
    """
    found: set[str] = set()
    for pattern in patterns:
        parts = pattern.split("/")
        found.update(name for name in _walk(root, _fixed_folder(parts)) if _matches(parts, name.split("/")))
        if len(found) > FILES_MAX:
            raise Refused("project.files", f"more than {FILES_MAX} files match", where=pattern, hint="narrow the pattern")
    for name in found:
        _check_file(root, name)
    return tuple(sorted(found))


def _matches(pattern: list[str], parts: list[str]) -> bool:
    """Walks both lists once, so that no pattern is slow; ``reach`` holds how many parts can be used up so far."""
    reach = {0}
    for i, wanted in enumerate(pattern):
        if not reach:
            return False
        if wanted == "**":
            least = 1 if i + 1 == len(pattern) else 0
            reach = set(range(min(reach) + least, len(parts) + 1))
        else:
            reach = {at + 1 for at in reach if at < len(parts) and fnmatchcase(parts[at], wanted)}
    return len(parts) in reach


def _fixed_folder(pattern: list[str]) -> str:
    """The folder a pattern begins with, before any wildcard; so ``assets/**`` never walks the rest."""
    return "/".join(takewhile(lambda part: "*" not in part and "?" not in part, pattern[:-1]))


def _walk(root: str, below: str) -> Iterator[str]:
    for folder, folders, files in os.walk(os.path.join(root, below)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        base = os.path.relpath(folder, root).replace(os.sep, "/")
        yield from (name if base == "." else f"{base}/{name}" for name in files if not name.startswith("."))


def _check_file(root: str, name: str) -> None:
    fault = path_fault(name)
    if fault is not None:
        raise Refused("project.path", fault.message, where=shown(name), hint="rename the file")
    real = os.path.realpath(os.path.join(root, name))
    # Attack: a link in a project from elsewhere would pack a private file of the person who builds it, from outside
    # or from a hidden place inside, such as .git/config.
    if real != os.path.join(os.path.realpath(root), *name.split("/")):
        raise Refused("project.link", "is a link, or lies behind one", where=name, hint="put a copy of the file there")
    if not os.path.isfile(real):
        raise Refused("project.path", "is not a regular file", where=name, hint="put a regular file there, or narrow the pattern")
