"""What policies are in force, where they came from, and how long they hold."""

from __future__ import annotations

import json

from mpp.cli.options import quoted, show_time
from mpp.cli.policy_files import ago, count, in_force
from mpp.host.policy_privacy import privacy_json, privacy_lines, privacy_short
from mpp.cli.screen import note, put_json, say, table
from mpp.errors import Refused
from mpp.host.policy_layers import LayerInfo
from mpp.host.policy_store import Loaded
from mpp.host.system import SystemClock
from mpp.model.fields import near
from mpp.model.jsontext import Json, shown
from mpp.stages.policy import LAYERS, PRESETS, policy_json, preset


def show_all(*, as_json: bool) -> None:
    """All layers, in the order in which they bind."""
    now = SystemClock().now()
    loaded = in_force()
    if as_json:
        layers: list[Json] = [layer_json(one, now) for one in loaded.layers]
        faults: list[Json] = [{"code": one.code, "where": one.where, "message": one.message, "hint": one.hint} for one in loaded.faults]
        put_json(
            {
                "ok": True,
                "digest": loaded.policies.digest,
                "mode": _mode(loaded),
                "layers": layers,
                "privacy": privacy_json(loaded.policies.privacy),
                "faults": faults,
            }
        )
        return
    say(f"policies in force  sha256:{loaded.policies.digest}")
    say(f"mode               {_mode(loaded)}{_fixed(loaded)}")
    for layer in LAYERS:
        one = loaded.layer(layer)
        say(f"{layer:<9}{'none' if one is None else _head(one)}")
        if one is not None:
            table([(key, text) for key, text in _about(one, now) if text], indent="         ")
    if any(one.policy.privacy is not None for one in loaded.layers):
        say("privacy filter, by all layers together")
        for line in privacy_lines(loaded.policies.privacy):
            say(f"         {line}")


def show_one(name: str, *, as_json: bool) -> None:
    """A layer that is in force, or a preset as text to begin with."""
    if name in LAYERS:
        _layer(name, as_json=as_json)
    elif name in PRESETS:
        show_preset(name, as_json=as_json)
    else:
        known = (*LAYERS, *PRESETS)
        raise Refused(
            "policy.preset", f"there is no layer and no preset {shown(name)!r}", hint=near(name, known) or f"take one of {', '.join(dict.fromkeys(known))}"
        )


def show_preset(name: str, *, as_json: bool) -> None:
    if name not in PRESETS:
        raise Refused("policy.preset", f"there is no preset {shown(name)!r}", hint=near(name, PRESETS) or f"take one of {', '.join(PRESETS)}")
    if as_json:
        put_json({"ok": True, "preset": name, "text": PRESETS[name], "policy": policy_json(preset(name))})
        return
    for line in PRESETS[name].rstrip("\n").split("\n"):
        say(line)


def _layer(name: str, *, as_json: bool) -> None:
    now = SystemClock().now()
    loaded = in_force()
    one = loaded.layer(name)
    if as_json:
        found: Json = None if one is None else {**layer_json(one, now), "policy": policy_json(one.policy)}
        put_json({"ok": True, "layer": found})
        return
    if one is None:
        say(f"There is no {name} policy.")
        return
    note(f"{name}: {_head(one)}")
    for key, text in _about(one, now):
        if text:
            note(f"  {key} {text}")
    if one.kind == "preset":
        show_preset(one.source, as_json=False)
        return
    for line in json.dumps(policy_json(one.policy), indent=2, ensure_ascii=True).split("\n"):
        say(line)


def _mode(loaded: Loaded) -> str:
    return "fleet" if loaded.settings.is_fleet else "personal"


def _fixed(loaded: Loaded) -> str:
    strength = loaded.settings.approval_strength
    return f", each approval needs {strength} or better" if strength else ""


def _head(one: LayerInfo) -> str:
    if one.kind == "closed":
        return "CLOSED: it denies everything, because it could not be read"
    if one.kind == "preset":
        return f"the preset {one.source}, because nobody wrote a policy"
    version = f" version {one.version}" if one.kind == "bundle" else ""
    return f"{quoted(one.name)}{version}"


def _about(one: LayerInfo, now: int) -> list[tuple[str, str]]:
    return [
        ("from", one.source if one.kind != "preset" else ""),
        ("signed by", f"publisher {one.publisher[:16]}" if one.publisher else ""),
        ("holds", holds(one, now)),
        ("rules", count(len(one.policy.rules), "rule")),
        ("privacy", privacy_short(one.policy.privacy)),
        ("digest", f"sha256:{one.digest}"),
    ]


def holds(one: LayerInfo, now: int) -> str:
    """The countdown of a bundle, in words."""
    if one.expires is None or one.ends is None:
        return ""
    if now <= one.expires:
        return f"until {show_time(one.expires)}, {ago(one.expires - now)} from now"
    return f"in its grace since {ago(now - one.expires)}; denies everything in {ago(max(0, one.ends - now))}, at {show_time(one.ends)}"


def layer_json(one: LayerInfo, now: int) -> dict[str, Json]:
    found: dict[str, Json] = {
        "layer": one.layer, "kind": one.kind, "source": one.source, "name": one.name, "digest": one.digest, "state": one.state, "rules": len(one.policy.rules),
        "privacy": one.policy.privacy.digest if one.policy.privacy is not None else None,
    }  # fmt: skip
    if one.kind != "bundle" or one.ends is None or one.expires is None:
        return found
    left = {"expires": one.expires, "ends": one.ends, "seconds_left": one.expires - now}
    return {**found, "version": one.version, "publisher": one.publisher, **left}
