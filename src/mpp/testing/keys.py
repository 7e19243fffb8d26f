"""Publishers with fixed keys: the same in every run, and worthless everywhere else."""

from __future__ import annotations

from hashlib import sha256

from mpp.crypto.ed25519 import SeedSigner, key_id
from mpp.crypto.roots import Revoked, RoleName, RootChain, extend, root_body
from mpp.model.value import value


def fixed_seed(label: str) -> bytes:
    """A seed that everybody can make from its label; never for real use."""
    return sha256(b"mpp test key " + label.encode("utf-8")).digest()


def fixed_signer(label: str) -> SeedSigner:
    return SeedSigner(fixed_seed(label))


@value
class TestPublisher:
    """A publisher and its current signers."""

    __test__ = False  # not a test class, whatever its name begins with

    chain: RootChain
    root: tuple[SeedSigner, ...]
    release: tuple[SeedSigner, ...]

    @property
    def id(self) -> str:
        return self.chain.publisher_id

    @property
    def release_ids(self) -> tuple[str, ...]:
        return tuple(sorted(key_id(signer.public_key) for signer in self.release))


def publisher(name: str = "Example Publisher", *, roots: int = 1, releases: int = 1, root_threshold: int = 1, release_threshold: int = 1) -> TestPublisher:
    """A publisher at root version 1 whose keys follow from its name."""
    root = tuple(fixed_signer(f"{name} root {i}") for i in range(roots))
    release = tuple(fixed_signer(f"{name} release {i}") for i in range(releases))
    body = root_body(1, name, {"root": (_publics(root), root_threshold), "release": (_publics(release), release_threshold)})
    return TestPublisher(chain=extend(None, body, root), root=root, release=release)


def rotated(old: TestPublisher, label: str, *, new_root: bool = False, revoke: bool = False) -> TestPublisher:
    """The publisher one version later, with new release keys; also with new root keys if asked."""
    now = old.chain.newest
    name, version = now.name, now.version + 1
    release = tuple(fixed_signer(f"{name} release {label} {i}") for i in range(len(old.release)))
    root = tuple(fixed_signer(f"{name} root {label} {i}") for i in range(len(old.root))) if new_root else old.root
    gone = tuple(Revoked(key=key, reason="stolen, for a test") for key in old.release_ids) if revoke else ()
    roles: dict[RoleName, tuple[tuple[bytes, ...], int]] = {
        "root": (_publics(root), now.role("root").threshold),
        "release": (_publics(release), now.role("release").threshold),
    }
    body = root_body(version, name, roles, gone)
    signers = (*old.root, *root) if new_root else root
    return TestPublisher(chain=extend(old.chain, body, signers), root=root, release=release)


def _publics(signers: tuple[SeedSigner, ...]) -> tuple[bytes, ...]:
    return tuple(signer.public_key for signer in signers)
