"""What a language of ``mpp init`` and ``mpp build`` is: data about it, and one function from a job to an output.

A builder writes nothing outside of ``Job.work`` and ``Job.cache``, starts its compilers through ``author.running`` only, and gives
the same output for the same sources unless it says that it does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from mpp.author.settings import BuildSettings
from mpp.model.jsontext import Json
from mpp.model.manifest import LayerRef, Manifest
from mpp.model.value import value

Progress = Callable[[str], None]


@value
class Key:
    """One key of ``[build]`` in ``mpp.toml`` that belongs to a language. Every value is a text, or a list of texts, of a form."""

    name: str
    pattern: re.Pattern[str]
    """Attack: a setting of a project from elsewhere becomes an argument of a compiler. So its form is named, ASCII, and matched whole."""
    form: str
    """The form in words, after "write"."""
    many: bool = False
    required: bool = False
    hint: str = ""
    """What to add where a required key is missing."""
    fault: Literal["form", "flag"] = "form"
    """The last part of the code for an entry of another form: compiler flags have one of their own."""


DEFINITIONS_KEY = Key(
    name="definitions", pattern=re.compile("manifest|source"), form="'source' (found in the sources, the default) or 'manifest' (written in manifest.json)"
)
"""For languages that find definitions in sources."""


@value
class Toolchain:
    """An installed toolchain."""

    name: str
    version: str
    folder: str
    """Absolute. What a confined compiler may read of it."""
    program: str
    """Absolute: the compiler itself, or the interpreter that runs it."""


@value
class LayerFile:
    """A layer of the store."""

    ref: LayerRef
    path: str
    """Its signed package."""


@value
class Job:
    """One build."""

    root: str
    """The project's folder, absolute and without links."""
    settings: BuildSettings
    manifest: Manifest
    """As manifest.json has it, sound. Where the language fills in definitions, layer or code form, stand-ins hold their places."""
    declares_tools: bool
    """Does manifest.json itself have tool definitions?"""
    work: str
    """An empty private folder, gone after the build."""
    cache: str
    """A private folder of this language that is kept between builds."""
    progress: Progress
    allow_network: bool
    """May what the project runs reach the network (``--allow-network``)? Compilers of ours never need it."""
    trusts_project: bool
    """Did the person say that the project is their own, so that its code may run without barriers where the system has none (``--unconfined``)?"""
    self_contained: bool
    """Should the package carry its layer (``--self-contained``)?"""
    toolchain: Callable[[str], Toolchain]
    """Finds a toolchain by its name in the catalogue, installs it where that may be done, or refuses with what to do."""
    layer: Callable[[str], LayerFile | None]
    """The newest layer of the store for a runtime type; None where there is none."""


@value
class Component:
    """A dependency that went into the package, for its bill of materials."""

    name: str
    version: str
    purl: str
    sha256: str = ""
    """Of the file it came as, in hex."""
    license: str = ""
    kind: str = "library"


@value
class Code:
    """How the package runs, where the builder decides it and not manifest.json."""

    type: str
    entrypoint: str
    layer: LayerRef | None = None


@value
class Output:
    """What a build made."""

    members: Mapping[str, bytes]
    """Files of the package by name, the entrypoint among them; not manifest.json, assets, or what is below _mpp/ (but _mpp/layer.mpp)."""
    inputs: Mapping[str, bytes]
    """The sources it was made of, by name relative to the project; only their hashes are kept."""
    tools: Mapping[str, str]
    """Compilers and their versions."""
    parameters: tuple[str, ...] = ()
    """How the compiler was called, with relative paths."""
    reproducible: bool = True
    components: tuple[Component, ...] = ()
    definitions: tuple[Json, ...] | None = None
    """Tool definitions found in the sources, as in manifest.json; None where the language finds none."""
    code: Code | None = None
    warnings: tuple[str, ...] = ()


class Language(Protocol):
    """One language. Everything but ``build`` is data and cheap."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str:
        """The name as people write it, such as ``C``."""
        ...

    @property
    def keys(self) -> tuple[Key, ...]:
        """Keys of ``[build]`` besides ``language`` and ``assets``."""
        ...

    @property
    def tools_needed(self) -> tuple[str, ...]:
        """Names in the catalogue of toolchains that a build asks for."""
        ...

    @property
    def cache_name(self) -> str:
        """The folder below the user's cache that is kept between builds; languages of one compiler share it."""
        ...

    @property
    def finds_definitions(self) -> bool:
        """May manifest.json leave tool_definitions out?"""
        ...

    def build(self, job: Job) -> Output: ...
