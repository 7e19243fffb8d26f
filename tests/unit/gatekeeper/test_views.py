"""Views of a verified package: handles that nobody else makes."""

from __future__ import annotations

import copy
import gc
import hashlib
import json
import pickle
import weakref
from dataclasses import fields, replace

import pytest

from mpp.errors import Refused
from mpp.model.manifest import Manifest, parse_manifest
from mpp.stages.gatekeeper import Verified, VerifiedCode, VerifiedManifest, package_of, verified, verify
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.wasm import module

WHO = publisher()
NOT_SHOWN = {"license", "homepage", "repository", "keywords", "trust_level"}
"""Fields of a manifest that no host needs; ``plain`` has them."""


def found() -> Verified:
    return verified(verify(packages.signed(WHO), packages.trusting(WHO), packages.NOW))


def test_a_view_shows_what_was_verified() -> None:
    both = found()
    manifest = both.manifest
    assert both.package is manifest.package is both.wasm_binary.package is package_of(manifest)
    assert manifest.plain is both.package.manifest
    for one in fields(Manifest):
        if one.name not in NOT_SHOWN:
            assert getattr(manifest, one.name) == getattr(manifest.plain, one.name)
    assert manifest.content_hash == both.wasm_binary.content_hash == both.package.content_hash
    assert (both.wasm_binary.size, both.wasm_binary.sha256) == (len(module()), hashlib.sha256(module()).hexdigest())
    assert repr(manifest) == f"VerifiedManifest(com.example.hello {both.package.content_hash[:16]})"


@pytest.mark.parametrize("kind", [VerifiedManifest, VerifiedCode])
def test_a_view_cannot_be_made_by_hand(kind: type[VerifiedManifest | VerifiedCode]) -> None:
    with pytest.raises(Refused):
        kind()
    forged = object.__new__(kind)
    assert repr(forged) == f"{kind.__name__}(unverified)"
    for look in (lambda: forged.package, lambda: forged.content_hash, lambda: package_of(forged)):
        with pytest.raises(Refused) as fault:
            look()
        assert fault.value.code == "policy.unverified"


def test_a_view_is_neither_copied_nor_carried_away() -> None:
    manifest = found().manifest
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(Refused) as fault:
            attempt(manifest)
        assert fault.value.code == "policy.unverified"
    for name in ("capabilities", "package", "more"):
        with pytest.raises(AttributeError):
            object.__setattr__(manifest, name, None)


def test_a_subclass_stands_for_nothing() -> None:
    sub = type("Sub", (VerifiedManifest,), {"__slots__": ()})
    with pytest.raises(Refused):
        package_of(object.__new__(sub))


def test_what_only_looks_alike_is_refused() -> None:
    both = found()
    for other in (b"\0asm", parse_manifest(json.dumps(packages.manifest()).encode()), both.package, both, None, replace(both.package.manifest)):
        with pytest.raises(Refused) as fault:
            package_of(other)
        assert type(other).__name__ in fault.value.message


def test_what_a_view_shows_goes_with_it() -> None:
    both = found()
    package = both.package
    gone = weakref.ref(both.manifest)
    del both
    gc.collect()
    assert gone() is None
    for _ in range(100):
        # Attack: an object at the address of a view that died.
        with pytest.raises(Refused):
            package_of(object.__new__(VerifiedManifest))
    assert package.package_id == "com.example.hello"
