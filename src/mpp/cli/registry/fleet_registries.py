"""Which registries a fleet pins, as the configuration of the client: it joins the host's enrolment with the client of registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mpp.cli.store.registries import config_file
from mpp.host.enrolment.trust_bundle import RegistryPin
from mpp.remote.address import check_base
from mpp.remote.config import Config, Registry

EVERYTHING = "*"
NAME_DIGITS = 12
"""Digits of the id of a registry in the name that a fleet gives it. Reason: two of one home never meet by chance."""


def pin_registries(pins: Sequence[RegistryPin]) -> bool:
    """Ask the pinned registries for their name spaces from now on. True if something changed."""
    file = config_file()
    before = file.load()
    after = pinned(before, pins)
    if after == before:
        return False
    file.change(lambda now: pinned(now, pins))
    return True


def pinned(config: Config, pins: Sequence[RegistryPin]) -> Config:
    """``config`` with what the fleet's signer says. Pure.

    A name space that the fleet gives to one registry is taken from every other: two would be two answers to one name. What it does not name stays.
    """
    taken = {f"{one.namespace}." for one in pins if one.namespace != EVERYTHING}
    kept = {name: replace(one, namespaces=tuple(space for space in one.namespaces if space not in taken)) for name, one in config.registries.items()}
    default = config.default
    for registry_id in dict.fromkeys(one.registry_id for one in pins):
        ours = [one for one in pins if one.registry_id == registry_id]
        known = next((one for one in kept.values() if one.registry_id == registry_id), None)
        row = known or Registry(name=f"fleet-{registry_id[:NAME_DIGITS]}", url="", registry_id=registry_id)
        spaces = {f"{one.namespace}." for one in ours if one.namespace != EVERYTHING}
        kept[row.name] = replace(row, url=check_base(ours[0].url), namespaces=tuple(sorted({*row.namespaces, *spaces})), introduced_by=())
        default = row.name if any(one.namespace == EVERYTHING for one in ours) else default
    return replace(config, registries=kept, default=default)
