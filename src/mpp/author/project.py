"""A project folder: where it is, and what its ``mpp.toml`` says about building it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import takewhile

from mpp.author.limits import FILES_MAX, FLAG_CHARS_MAX, PATTERN_CHARS_MAX, PATTERNS_MAX, SETTINGS_BYTES_MAX, SETTINGS_DOTS_MAX
from mpp.errors import Fault, Refused
from mpp.files import read_bounded
from mpp.limits import FAULTS_MAX
from mpp.model.fields import Faults, Fields, near
from mpp.model.jsontext import Json, shown
from mpp.model.limits import MANIFEST_BYTES_MAX
from mpp.model.paths import path_fault
from mpp.model.value import value

LANGUAGES: tuple[str, ...] = ("c",)
MANIFEST = "manifest.json"
SETTINGS = "mpp.toml"

_PATTERN = re.compile(r"[A-Za-z0-9_*?][A-Za-z0-9._+*?-]*(/[A-Za-z0-9_*?][A-Za-z0-9._+*?-]*)*")
_FOLDER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")

# An end may be missing: each position is looked at once, whatever the line holds.
_TEXT_OR_COMMENT = re.compile(r""""(?:[^"\\]|\\.)*"?|'[^']*'?|\#.*""")

# Attack: a compiler flag can load a plug-in, read any file or write anywhere; a project from elsewhere
# must build without such power. So the list says what is allowed, and the order of the compiler is ours.
# All of it is ASCII: what a command line makes of other characters depends on the locale.
_FLAG = re.compile(
    r"-std=(c|gnu)[0-9a-z]{2}"
    r"|-[DU][A-Za-z_][A-Za-z0-9_]*(=[ -~]*)?"
    r"|-W(no-)?[a-z][a-z0-9+-]*(=[a-z0-9-]+)?"
    r"|-O[123sz]"
    r"|-f(no-)?(wrapv|strict-aliasing|signed-char|unsigned-char|short-enums|common|math-errno|fast-math|builtin)"
    r"|-m(no-)?(simd128|relaxed-simd|bulk-memory|sign-ext|nontrapping-fptoint|mutable-globals|multivalue|tail-call)"
    r"|-lm|-lwasi-emulated-(mman|signal|process-clocks|getpid)"
    r"|-Wl,-z,stack-size=[1-9][0-9]{0,8}"
)


@value
class ProjectSettings:
    """What ``[build]`` of ``mpp.toml`` says; an empty language means that a ready module is packed."""

    language: str = ""
    sources: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    assets: tuple[str, ...] = ("README.md", "assets/**")


@value
class Project:
    """A folder with a manifest, and how to build it. Paths are absolute."""

    root: str
    manifest_path: str
    settings: ProjectSettings


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
        settings = _settings(_read_toml(path)) if os.path.lexists(path) else ProjectSettings()
    except Refused as fault:
        raise Refused.of((*fault.faults, *_manifest_faults(manifest))[:FAULTS_MAX]) from None
    return Project(root=root, manifest_path=manifest, settings=settings)


def _manifest_faults(path: str) -> tuple[Fault, ...]:
    """The manifest is judged anyway when a package is made; here it spares the author a second run."""
    from mpp.model.manifest import parse_manifest  # noqa: PLC0415 - needed only when something is wrong already

    try:
        parse_manifest(read_bounded(path, MANIFEST_BYTES_MAX))
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


def _settings(found: dict[str, Json]) -> ProjectSettings:
    faults = Faults("project")
    top = Fields(found, SETTINGS, faults)
    build = top.object("build", required=False)
    settings = ProjectSettings() if build is None else _build_settings(build, faults)
    top.end()
    faults.stop()
    return settings


def _build_settings(build: Fields, faults: Faults) -> ProjectSettings:
    def texts(key: str, pattern: re.Pattern[str], form: str) -> tuple[str, ...]:
        return build.texts(key, most=PATTERNS_MAX, each_most=PATTERN_CHARS_MAX, pattern=pattern, form=form)

    language = build.text("language", most=PATTERN_CHARS_MAX, default="", least=0)
    if language:
        check_language(language, build.path("language"), faults)
    sources = texts("sources", _PATTERN, "a pattern such as 'src/*.c' below the project's folder")
    if language and not sources:
        faults.add("sources", build.path("sources"), "no source is named", 'add, for example: sources = ["src/*.c"]')
    settings = ProjectSettings(
        language=language,
        sources=sources,
        include=texts("include", _FOLDER, "a folder such as 'include' below the project's folder"),
        flags=_flags(build, faults),
        assets=texts("assets", _PATTERN, "a pattern such as 'assets/**' below the project's folder") if build.has("assets") else ProjectSettings().assets,
    )
    build.end()
    return settings


def _flags(build: Fields, faults: Faults) -> tuple[str, ...]:
    flags = build.texts("flags", most=PATTERNS_MAX, each_most=FLAG_CHARS_MAX)
    for i, flag in enumerate(flags):
        if _FLAG.fullmatch(flag) is None:
            hint = "allowed are -std=, -D, -U, -W, -O1 to -Oz, some -f and -m, -lm, -lwasi-emulated-*, -Wl,-z,stack-size=N; folders go under include"
            faults.add("flag", f"{build.path('flags')}/{i}", f"the compiler flag {shown(flag)!r} is not allowed", hint)
    return flags


def check_language(language: str, where: str, faults: Faults) -> None:
    """Note a fault unless projects can be written in ``language``."""
    if language not in LANGUAGES:
        hint = near(language, LANGUAGES) or f"take one of: {', '.join(LANGUAGES)}; modules of other compilers are packed with: mpp build --wasm FILE"
        faults.add("language", where, f"the language {shown(language)!r} is not known", hint)


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
