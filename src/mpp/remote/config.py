"""Which registries this home knows: ``$MPP_HOME/registries.toml``, read strictly. Whose name spaces lie where is said here and nowhere else."""

from __future__ import annotations

import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace

from mpp.errors import Refused
from mpp.files import PRIVATE, locked, make_private_folder, read_bounded, write_atomic
from mpp.ledger.notes import NoteKey, read_key
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import shown
from mpp.model.names import PACKAGE_ID, SHA256_HEX, SHA256_HEX_FORM
from mpp.model.value import value
from mpp.protocol.addresses import is_here
from mpp.protocol.registry.limits import HOPS_MAX
from mpp.remote.address import check_base, origin_of
from mpp.remote.limits import (
    AGE_SECONDS_MAX,
    CONFIG_BYTES_MAX,
    COOLDOWN_SECONDS,
    MIRRORS_MAX,
    NAMESPACES_MAX,
    REGISTRIES_MAX,
    STALE_SECONDS,
    URL_CHARS_MAX,
    WITNESS_CHARS_MAX,
    WITNESSES_MAX,
)

NAME = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+){0,8}")
NAME_CHARS_MAX = 32
"""Characters of the name of a registry. Reason: it stands in tables and before package names."""

NAME_FORM = "a short name of lower-case letters and digits, with single '-' or '_' between"
TRUST = ("ask", "namespaces")
ON_YANK = ("stop", "note")
POLL_SECONDS = 300
"""Seconds between two looks of a serving host at its registries. Reason: a revocation reaches it in minutes, at a request per registry."""

POLL_SECONDS_MIN = 1
"""Least seconds between two looks. Reason: tests and drills; a jitter of its own is added."""

_HINT = "mend registries.toml, or use `mpp registry add` and `mpp registry remove`"


@value
class Registry:
    """One registry as its user configured it."""

    name: str
    url: str
    registry_id: str
    """The SHA-256 of the first version of its root document: who it is, wherever it lies."""
    namespaces: tuple[str, ...] = ()
    """Beginnings of package ids, each with a dot at its end, that are looked up here and nowhere else."""
    mirrors: tuple[str, ...] = ()
    min_age: int | None = None
    max_age: int = STALE_SECONDS
    trust: str = "ask"
    witnesses: tuple[str, ...] = ()
    """Verifier keys of those whose cosignatures count."""
    quorum: int = 0
    """How many of them must have cosigned a checkpoint."""
    private: bool = False
    """Are requests signed or sent with a token, also those that only read?"""
    introduced_by: tuple[str, ...] = ()
    """The registries that introduced it, the one of the user first; empty: a person added it. It is asked only for what their signed lists let it answer for."""

    @property
    def keys(self) -> tuple[NoteKey, ...]:
        return tuple(read_key(one) for one in self.witnesses)

    @property
    def cooldown(self) -> int:
        """Seconds that a version must be public before it is taken by itself."""
        if self.min_age is not None:
            return self.min_age
        return 0 if is_here(origin_of(self.url)[1]) or self.private else COOLDOWN_SECONDS


@value
class Poll:
    """How a serving host follows its registries."""

    seconds: int = POLL_SECONDS
    max_staleness: int = 0
    """Seconds after which a package whose status nobody could prove is refused; 0: it is only marked."""
    on_yank: str = "stop"


@value
class Config:
    default: str = ""
    registries: Mapping[str, Registry]
    poll: Poll = Poll()

    def named(self, name: str) -> Registry:
        found = self.registries.get(name) or next((one for one in self.registries.values() if one.url == name.rstrip("/")), None)
        if found is None:
            known = ", ".join(sorted(self.registries)) or "none"
            raise Refused("registry.unknown", f"this home knows no registry {shown(name)!r}", hint=f"known are: {known}; `mpp registry add URL` adds one")
        return found

    @property
    def asked(self) -> tuple[Registry, ...]:
        """Those that a person added: words of a search and short names go to nobody else."""
        return tuple(one for one in self.registries.values() if not one.introduced_by)

    def by_id(self, registry_id: str) -> Registry | None:
        return next((one for one in self.registries.values() if one.registry_id == registry_id), None)

    @property
    def usual(self) -> Registry:
        if not self.default:
            raise Refused("registry.unknown", "this home has no registry", hint="add one: mpp registry add https://registry.example.com")
        return self.named(self.default)

    def owner(self, package_id: str) -> Registry | None:
        """The registry of the longest name space that the id lies in; None: of nobody, so that the usual one is asked."""
        best: tuple[int, Registry] | None = None
        for one in self.registries.values():
            for space in one.namespaces:
                if package_id.startswith(space) and (best is None or len(space) > best[0]):
                    best = (len(space), one)
        return None if best is None else best[1]

    def for_package(self, package_id: str, wanted: str = "") -> Registry:
        """Where this id is looked up, and nowhere else.

        Attack: dependency confusion. A package of a private name space that is also put into a public registry, with a higher version.
        """
        owner = self.owner(package_id)
        chosen = self.named(wanted) if wanted else owner or self.usual
        if owner is not None and owner != chosen:
            message = f"{package_id} lies in a name space of the registry {owner.name!r}, and is looked up there alone"
            raise Refused("registry.elsewhere", message, where=chosen.name, hint=f"leave out --registry, or give --registry {owner.name}")
        return chosen


EMPTY = Config(registries={})


def read_config(data: bytes, *, where: str) -> Config:
    """Raises Refused ``registry.*`` for what is not a sound configuration: then no registry is asked."""
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as fault:
        raise Refused("registry.json", f"this is no TOML: {shown(str(fault))}", where=where, hint=_HINT) from None
    faults = Faults("registry")
    fields = Fields(found, where, faults)
    fields.number("mpp_registries", least=1, most=1)
    default = fields.text("default", most=NAME_CHARS_MAX, default="", least=0)
    poll = _read_poll(fields.object("poll", required=False))
    listed = fields.object("registries", required=False)
    names = list(listed.found) if listed is not None else []
    if len(names) > REGISTRIES_MAX:
        faults.add("length", where, f"has more than {REGISTRIES_MAX} registries", "remove some")
    read: dict[str, Registry] = {}
    for name in names[:REGISTRIES_MAX]:
        one = listed.object(name) if listed is not None else None
        if len(name) > NAME_CHARS_MAX or NAME.fullmatch(name) is None:
            faults.add("form", where, f"{shown(name)!r} is not {NAME_FORM}", "rename it")
        elif one is not None:
            read[name] = _read_registry(name, one)
    fields.end()
    faults.stop()
    config = Config(default=default, registries=read, poll=poll)
    _check_whole(config, faults, where)
    faults.stop()
    return config


def _read_poll(fields: Fields | None) -> Poll:
    if fields is None:
        return Poll()
    found = Poll(
        seconds=fields.number("seconds", least=POLL_SECONDS_MIN, most=AGE_SECONDS_MAX, default=POLL_SECONDS),
        max_staleness=fields.number("max_staleness", least=0, most=AGE_SECONDS_MAX, default=0),
        on_yank=fields.one_of("on_yank", ON_YANK, default="stop"),
    )
    fields.end()
    return found


def _read_registry(name: str, fields: Fields) -> Registry:
    found = Registry(
        name=name,
        url=_address(fields, fields.path("url"), fields.text("url", most=URL_CHARS_MAX)),
        registry_id=fields.text("registry_id", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
        namespaces=fields.texts("namespaces", most=NAMESPACES_MAX, each_most=200),
        mirrors=tuple(_address(fields, fields.path("mirrors"), one) for one in fields.texts("mirrors", most=MIRRORS_MAX, each_most=URL_CHARS_MAX)),
        min_age=fields.number("min_age", least=0, most=AGE_SECONDS_MAX) if fields.has("min_age") else None,
        max_age=fields.number("max_age", least=60, most=AGE_SECONDS_MAX, default=STALE_SECONDS),
        trust=fields.one_of("trust", TRUST, default="ask"),
        witnesses=fields.texts("witnesses", most=WITNESSES_MAX, each_most=WITNESS_CHARS_MAX),
        quorum=fields.number("quorum", least=0, most=WITNESSES_MAX, default=0),
        private=fields.flag("private", default=False),
        introduced_by=fields.texts("introduced_by", most=HOPS_MAX, each_most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM),
    )
    _check_witnesses(found, fields)
    if found.introduced_by and (found.namespaces or found.private or found.trust != "ask"):
        # Attack: a registry that nobody added, and that owns a name space or pins publishers.
        fields.faults.add(
            "rule", fields.path("introduced_by"), "an introduced registry has no name spaces, no login and no trust of its own", "add it yourself"
        )
    for space in found.namespaces:
        if not is_namespace(space):
            fields.faults.add("form", fields.path("namespaces"), f"{shown(space)!r} is no beginning of package ids with a dot at its end", "write com.example.")
    fields.end()
    return found


def _check_witnesses(found: Registry, fields: Fields) -> None:
    for text in found.witnesses:
        try:
            read_key(text)
        except Refused as fault:
            fields.faults.add("form", fields.path("witnesses"), fault.message, fault.hint)
    if found.quorum > len(found.witnesses):
        fields.faults.add("range", fields.path("quorum"), f"asks for {found.quorum} of {len(found.witnesses)} witnesses", "name more, or ask for fewer")


def is_namespace(text: str) -> bool:
    return text.endswith(".") and PACKAGE_ID.fullmatch(f"{text}x") is not None


def _address(fields: Fields, at: str, url: str) -> str:
    if not url:
        return url
    try:
        return check_base(url)
    except Refused as fault:
        fields.faults.add("form", at, fault.message, fault.hint)
        return ""


def _check_whole(config: Config, faults: Faults, where: str) -> None:
    if config.default and config.default not in config.registries:
        faults.add("form", f"{where}/default", f"{shown(config.default)!r} is none of the registries", _HINT)
    if config.default and config.default in config.registries and config.registries[config.default].introduced_by:
        faults.add("rule", f"{where}/default", "an introduced registry cannot be the usual one", "add it with `mpp registry add`")
    spaces: dict[str, str] = {}
    for one in config.registries.values():
        for space in one.namespaces:
            # Two registries of one name space would be two answers to one name.
            if spaces.setdefault(space, one.name) != one.name:
                faults.add("duplicate", where, f"the name space {space} lies in {spaces[space]} and in {one.name}", "give it to one of them")


def write_config(config: Config, *, where: str) -> bytes:
    """The document, once it has been read back."""
    lines = ["# Which registries this home knows. `mpp registry` changes it; it may also be edited by hand.", "mpp_registries = 1"]
    if config.default:
        lines.append(f"default = {_text(config.default)}")
    poll = config.poll
    lines += ["", "[poll]", f"seconds = {poll.seconds}", f"max_staleness = {poll.max_staleness}", f"on_yank = {_text(poll.on_yank)}"]
    for name in sorted(config.registries):
        one = config.registries[name]
        lines += ["", f"[registries.{name}]", f"url = {_text(one.url)}", f"registry_id = {_text(one.registry_id)}"]
        lines += [f"namespaces = {_texts(one.namespaces)}"] if one.namespaces else []
        lines += [f"mirrors = {_texts(one.mirrors)}"] if one.mirrors else []
        lines += [f"min_age = {one.min_age}"] if one.min_age is not None else []
        lines += [f"witnesses = {_texts(one.witnesses)}", f"quorum = {one.quorum}"] if one.witnesses or one.quorum else []
        lines += [f"introduced_by = {_texts(one.introduced_by)}"] if one.introduced_by else []
        lines += [f"max_age = {one.max_age}", f"trust = {_text(one.trust)}", f"private = {'true' if one.private else 'false'}"]
    data = ("\n".join(lines) + "\n").encode("utf-8")
    read_config(data, where=where)
    return data


def _text(text: str) -> str:
    # Names and addresses are printable ASCII, for which a text of JSON is one of TOML.
    return json.dumps(text)


def _texts(texts: tuple[str, ...]) -> str:
    return "[" + ", ".join(_text(one) for one in texts) + "]"


class ConfigFile:
    """The configuration of one home. Whoever can write it says whom packages come from, so it is judged as trust is."""

    def __init__(self, path: str) -> None:
        self.path = path

    def load(self) -> Config:
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return EMPTY
        if not stat.S_ISREG(found.st_mode) or found.st_uid not in {os.getuid(), 0} or stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH):
            message = "others may change which registries are asked, or the file is none"
            raise Refused("registry.config", message, where=self.path, hint="take it over with chown, and run chmod go-w on it")
        return read_config(read_bounded(self.path, CONFIG_BYTES_MAX), where=self.path)

    def change(self, step: Callable[[Config], Config]) -> Config:
        make_private_folder(os.path.dirname(self.path))
        with locked(self.path + ".lock", "the registries"):
            config = step(self.load())
            write_atomic(self.path, write_config(config, where=self.path), PRIVATE)
        return config


def with_registry(config: Config, one: Registry, *, default: bool) -> Config:
    """The same with ``one``; the first becomes the usual one."""
    known = config.registries.get(one.name)
    if known is not None and known.registry_id != one.registry_id:
        # Attack: a name that a person knows, given to another registry.
        message = f"the registry {one.name!r} is another one here: {known.registry_id[:16]}"
        raise Refused("registry.identity", message, where=one.url, hint=f"give it another name with --name, or run `mpp registry remove {one.name}` first")
    other = config.by_id(one.registry_id)
    if other is not None and other.introduced_by and other.name != one.name and not one.introduced_by:
        # A person adds what was only introduced so far.
        config = without_registry(config, other.name)
    elif other is not None and other.name != one.name:
        raise Refused("registry.identity", f"this registry is known here as {other.name!r}", where=one.url, hint=f"give --name {other.name}")
    becomes_usual = default or (not config.default and not one.introduced_by)
    return replace(config, registries={**config.registries, one.name: one}, default=one.name if becomes_usual else config.default)


def without_registry(config: Config, name: str) -> Config:
    one = config.named(name)
    left = {key: item for key, item in config.registries.items() if key != one.name}
    return replace(config, registries=left, default="" if config.default == one.name else config.default)
