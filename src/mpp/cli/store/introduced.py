"""A package that the registry of the user has not, and that a registry which it introduces has: judged, shown to a person once, kept.

Spec: spec/federation.md section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mpp.cli.first_use import confirm
from mpp.cli.options import home, is_fleet, quoted
from mpp.cli.screen import note, safe
from mpp.cli.store.registries import client_of, config_file, memory_of, terms_of
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import Refused
from mpp.model.value import value
from mpp.protocol.registry.peerlist import Peer
from mpp.remote.client import RegistryClient
from mpp.remote.config import Config, Registry, with_registry
from mpp.remote.discovering import ask_where, introduced, Introduction, Start, walk, words_of
from mpp.remote.limits import INTRODUCING_SECONDS_MAX
from mpp.remote.lists import ListMemory

NAME_DIGITS = 8
"""Digits of the id of an introduced registry in its name here. Reason: a name that it cannot choose; two of one home hardly ever share it."""


@value
class Follow:
    """What the command says of introductions."""

    yes: bool = False
    registry_id: str = ""
    """The registry that may be introduced, got another way; with ``yes`` it replaces the question."""
    quiet: bool = False


def followed(registry: Registry, config: Config, package_id: str, how: Follow, absent: Refused) -> Registry:
    """The registry that has the package, if the one that has it not introduces it and a person agrees. Raises ``absent`` where nobody has it."""
    if config.owner(package_id) is not None:
        # Attack: a private name that is told to others because somebody mistyped it, and then found with a stranger.
        raise absent
    client = RegistryClient(registry, seconds=INTRODUCING_SECONDS_MAX) if not registry.private else client_of(registry)
    found = ask_where(client, package_id)
    if found is None:
        raise absent
    if registry.private or registry.introduced_by or is_fleet():
        words = words_of(found, package_id, terms_of(registry))
        fault = absent.faults[0]
        raise Refused(fault.code, fault.message, where=fault.where, hint=words or fault.hint)
    start = start_of(registry)
    made = introduced(start, found, package_id, lists_of(registry), terms_of(registry))
    known = config.by_id(made.home.registry_id)
    if known is not None and not known.introduced_by:
        # A person added it: no question is left.
        return known
    if known is not None and known.introduced_by == made.via:
        return _kept(config, replace(known, url=made.home.url), made.home)
    one = Registry(name=f"peer-{made.home.registry_id[:NAME_DIGITS]}", url=made.home.url, registry_id=made.home.registry_id, introduced_by=made.via)
    _agree(registry, made, package_id, how)
    return _kept(config, one, made.home)


def _kept(config: Config, one: Registry, home_peer: Peer) -> Registry:
    memory_of(one.registry_id).begin(home_peer.chain)
    if config.registries.get(one.name) != one:
        config_file().change(lambda latest: with_registry(latest, one, default=False))
    return one


def start_of(registry: Registry) -> Start:
    return Start(registry_id=registry.registry_id, url=registry.url, chain=memory_of(registry.registry_id).known().chain)


def lists_of(registry: Registry) -> ListMemory:
    """The signed lists of those on the way, asked for without any login."""

    def ask(url: str, registry_id: str) -> bytes:
        return RegistryClient(Registry(name="peer", url=url, registry_id=registry_id), seconds=INTRODUCING_SECONDS_MAX).peer_list()

    return ListMemory(memory_folder(), ask, terms_of(registry).now, registry.max_age)


def memory_folder() -> str:
    return f"{home().path}/registries"


def still(registry: Registry, config: Config, package_id: str) -> Registry:
    """An introduced registry as the signed lists have it now. Raises Refused where they do not let it answer for the package any more."""
    if not registry.introduced_by:
        return registry
    first = config.by_id(registry.introduced_by[0])
    if first is None or first.introduced_by:
        message = f"{registry.name} was introduced by {registry.introduced_by[0][:16]}, which this home does not know any more"
        raise Refused("registry.peer", message, where=package_id, hint=f"add it yourself: mpp registry add {registry.url} --fingerprint {registry.registry_id}")
    peer = walk(start_of(first), registry.introduced_by, registry.registry_id, package_id, lists_of(first))
    return _kept(config, replace(registry, url=peer.url), peer)


# -- the question


def _agree(registry: Registry, made: Introduction, package_id: str, how: Follow) -> None:
    digits = how.registry_id.replace(" ", "").replace(":", "").lower()
    if digits and digits != made.home.registry_id:
        raise Refused("publisher.fingerprint", "another registry is introduced than the one that --introduced names", where=made.home.registry_id, hint="stop")
    if how.yes and digits:
        note(f"agreed by --yes: {safe(registry.name)} introduces the registry {made.home.registry_id[:16]}")
        return
    if how.quiet or not confirm(question(registry, made, package_id)):
        command = f"mpp install {package_id} --yes --introduced {made.home.registry_id}"
        message = f"{registry.name} introduces the registry {made.home.registry_id[:16]}, and nobody agreed to it"
        raise Refused(
            "publisher.unconfirmed", message, where=package_id, hint=f"answer yes in a terminal, or, with a fingerprint got another way, run: {command}"
        )


def question(registry: Registry, made: Introduction, package_id: str) -> str:
    """Both fingerprints, and the texts that a stranger chose last and quoted."""
    proof = made.proof
    lines = [
        "",
        f"{package_id} is not in {registry.name}. A registry that this home does not know has it.",
        *_digits(f"{registry.name} is", registry.registry_id),
        *(line for number, one in enumerate(made.via[1:], 1) for line in _digits(f"by way {number}", one)),
        *_digits("introduced", made.home.registry_id),
        f"  address      {made.home.url}",
        f"  package      {proof.package_id} {proof.version}, entry {proof.index} of {proof.size} of its log",
        f"  calls itself {quoted(made.home.name)}",
        "               (anybody can choose this name)",
        f"{registry.name} has signed that this registry may answer for the name. Compare the",
        "fingerprint with one that you got another way. Who published the package is asked next.",
        "Type yes to trust what its log proves, for such packages alone: ",
    ]
    return "\n".join(safe(line) for line in lines)


def _digits(word: str, registry_id: str) -> Sequence[str]:
    digits = fingerprint(registry_id)
    half = len(digits) // 2
    return (f"  {word[:12]:<12} {digits[:half]}", f"               {digits[half + 1 :]}")
