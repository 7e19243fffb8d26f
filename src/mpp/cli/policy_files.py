"""Policies that somebody names: a file, a signed bundle, a preset; and what they are compared with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from mpp.cli.options import home
from mpp.cli.screen import note
from mpp.errors import Fault, Refused
from mpp.files import read_bounded
from mpp.host.policy_store import Loaded, PolicyStore, open_policies
from mpp.host.system import SystemClock
from mpp.model.fields import near
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.ports import Events
from mpp.stages.policy import BUNDLE_BYTES_MAX, LAYERS, PRESETS, FoundBundle, Policies, Policy, compile_policies, parse_policy, preset, read_bundle

BUNDLE_BEGINS = b'{"envelope":'


@value
class Named:
    """A policy and what it was read from. ``bundle`` is as found: who signed it is not judged here."""

    source: str
    policy: Policy
    data: bytes
    """The document's text; of a bundle, the whole file."""
    bundle: FoundBundle | None = None
    is_preset: bool = False


def store(events: Events | None = None) -> PolicyStore:
    return open_policies(home(), SystemClock(), events=events)


def in_force() -> Loaded:
    """The policies in force; what is wrong with them is said on the side."""
    loaded = store().current()
    warn(loaded.faults)
    return loaded


def warn(faults: Iterable[Fault]) -> None:
    for fault in faults:
        place = f" ({fault.where})" if fault.where else ""
        note(f"warning: {fault.message}{place} [{fault.code}]")
        if fault.hint:
            note(f"hint:    {fault.hint}")


def read_named(name: str) -> Named:
    """A preset by its name, else a file: a document in TOML or JSON, or a bundle."""
    if name in PRESETS:
        return Named(source=name, policy=preset(name), data=PRESETS[name].encode("utf-8"), is_preset=True)
    if not os.path.exists(name):
        hint = near(name, PRESETS) or f"give a path, or a preset: {', '.join(PRESETS)}"
        raise Refused("usage.no_file", f"there is no file {shown(name)!r}, and no preset of that name", hint=hint)
    data = read_bounded(name, BUNDLE_BYTES_MAX)
    if data.startswith(BUNDLE_BEGINS):
        found = read_bundle(data, where=name)
        return Named(source=name, policy=found.body.policy, data=data, bundle=found)
    return Named(source=name, policy=parse_policy(data, where=name), data=data)


def proposed(given: tuple[str, ...]) -> tuple[Policies, str]:
    """The policies to judge by, and in words what they are.

    ``FILE`` alone stands by itself; ``LAYER=FILE`` takes the place of that layer among those in force; nothing means those in force.
    """
    if not given:
        return in_force().policies, "the policies in force"
    named: dict[str, Policy] = {}
    alone = []
    for one in given:
        layer, equals, name = one.partition("=")
        if not equals or layer not in LAYERS:
            alone.append(one)
        elif layer in named:
            raise Refused("usage.option", f"--policy names the {layer} layer twice", hint="give one policy for each layer")
        else:
            named[layer] = read_named(name).policy
    if alone and (named or len(alone) > 1):
        raise Refused("usage.option", "--policy takes one file, or LAYER=FILE for each layer", hint="for example: --policy user=policy.toml")
    if alone:
        return compile_policies({"user": read_named(alone[0]).policy}), f"{shown(alone[0])} alone"
    layers: Mapping[str, Policy] = dict(in_force().policies.layers)
    return compile_policies({**layers, **named}), f"the policies in force, with another {' and '.join(named)} policy"


def count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def ago(seconds: int) -> str:
    """How long until something, or since it, in the largest unit that says enough."""
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return count(seconds // size, name)
    return count(seconds, "second")
