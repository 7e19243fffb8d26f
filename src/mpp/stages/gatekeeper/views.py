"""Views of a verified package, for hosts that pass its manifest and its code about by themselves.

A view is a handle without content: what it shows is kept here, so a copy, a pickle, a subclass or an object made by hand shows
nothing. Plain manifests and bytes are other types, so a type checker says so before anything runs. Spec: spec/3-policy.md section 5.
"""

from __future__ import annotations

import hashlib
import weakref
from typing import Final, NoReturn, Self, final

from mpp.errors import Refused
from mpp.model.capabilities import Capabilities
from mpp.model.manifest import Manifest, PrivacyFilters, PublisherInfo, Runtime, ToolDefinition
from mpp.model.value import value
from mpp.stages.gatekeeper.types import VerifiedPackage


class _View:
    """What both views share. A subclass of a view stands for nothing: the exact type is asked for."""

    __slots__ = ("__weakref__",)

    def __new__(cls) -> Self:
        raise _unverified("it is made by verifying a file, never by hand")

    def __copy__(self) -> NoReturn:
        raise _unverified("what verification gives is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise _unverified("what verification gives is not copied")

    def __reduce__(self) -> NoReturn:
        raise _unverified("what verification gives does not leave its process: verify the file there")

    @property
    def package(self) -> VerifiedPackage:
        return package_of(self)

    @property
    def content_hash(self) -> str:
        return self.package.content_hash

    def __repr__(self) -> str:
        package = _SHOWN.get(self)
        return f"{type(self).__name__}({package.package_id} {package.content_hash[:16]})" if package is not None else f"{type(self).__name__}(unverified)"


@final
class VerifiedManifest(_View):
    """The manifest of a package that passed all seven checks."""

    __slots__ = ()

    @property
    def plain(self) -> Manifest:
        """For what takes any manifest, such as showing one."""
        return self.package.manifest

    @property
    def mpp_version(self) -> str:
        return self.plain.mpp_version

    @property
    def package_id(self) -> str:
        return self.plain.package_id

    @property
    def version(self) -> str:
        return self.plain.version

    @property
    def name(self) -> str:
        return self.plain.name

    @property
    def description(self) -> str:
        return self.plain.description

    @property
    def publisher(self) -> PublisherInfo:
        return self.plain.publisher

    @property
    def runtime(self) -> Runtime:
        return self.plain.runtime

    @property
    def capabilities(self) -> Capabilities:
        return self.plain.capabilities

    @property
    def tool_definitions(self) -> tuple[ToolDefinition, ...]:
        return self.plain.tool_definitions

    @property
    def privacy_filters(self) -> PrivacyFilters:
        return self.plain.privacy_filters


@final
class VerifiedCode(_View):
    """The entrypoint of a package that passed all seven checks."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """Bytes of the code."""
        return len(self._bytes())

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self._bytes()).hexdigest()

    def _bytes(self) -> bytes:
        return self.package.read(self.package.manifest.runtime.entrypoint) or b""


_SHOWN: Final[weakref.WeakKeyDictionary[_View, VerifiedPackage]] = weakref.WeakKeyDictionary()


@value
class Verified:
    """A verified package and its two views, under the names that hosts use."""

    package: VerifiedPackage
    manifest: VerifiedManifest
    wasm_binary: VerifiedCode


def verified(package: VerifiedPackage) -> Verified:
    """The views of ``package``, which is what makes them: there is no other way to one."""
    manifest, code = object.__new__(VerifiedManifest), object.__new__(VerifiedCode)
    _SHOWN[manifest] = _SHOWN[code] = package
    return Verified(package=package, manifest=manifest, wasm_binary=code)


def package_of(view: object) -> VerifiedPackage:
    """The package that a view shows; refuses bytes, a plain manifest, and what only looks like a view."""
    package = _SHOWN.get(view) if type(view) is VerifiedManifest or type(view) is VerifiedCode else None
    if package is None:
        raise _unverified(f"a {type(view).__name__} stands where something verified must")
    return package


def _unverified(message: str) -> Refused:
    return Refused("policy.unverified", message, where="package", hint="verify the file and pass on what that gives: Gatekeeper.verify_file(path)")
