"""What a package asks for, in sentences for people who do not program; and what an update newly asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from mpp.limits import KIB, MIB
from mpp.model.capabilities import Capabilities, Hardware, NetworkRule, Secret
from mpp.model.hosts import WEB_PORTS
from mpp.model.manifest import Manifest, PrivacyFilters, Runtime
from mpp.model.scope import device_covered, path_covered, rule_covered

_PLAIN_PATH = re.compile(r"[\w./@%+:~-]+")

NOTHING = "Needs nothing outside its own computation."
_USES = {"r": "read from", "w": "write to", "rw": "read from and write to"}


def capability_words(capabilities: Capabilities) -> tuple[str, ...]:
    """One sentence for each capability; never empty."""
    return (
        *map(_rule_words, capabilities.network),
        *map(_read_words, capabilities.read),
        *map(_write_words, capabilities.write),
        *map(_env_words, capabilities.env_vars),
        *map(_secret_words, capabilities.secrets),
        *([f"May keep up to {_size(capabilities.kv_max_bytes)} of its own data between calls."] if capabilities.kv_max_bytes else []),
        *map(_hardware_words, capabilities.hardware),
    ) or (NOTHING,)


def layer_words(runtime: Runtime) -> tuple[str, ...]:
    """What the package stands on, if it stands on anything."""
    layer = runtime.layer
    return () if layer is None else (f"Runs on the layer {layer.id} {layer.version} ({layer.sha256[:16]}).",)


def layer_uses(runtime: Runtime) -> tuple[str, ...]:
    """The same among the rights that a question shows: whose interpreter runs the tool is part of what a person agrees to."""
    layer = runtime.layer
    return () if layer is None else (f"run on the layer {layer.id} {layer.version} ({layer.sha256[:16]})",)


def growth(old: Manifest, new: Manifest) -> tuple[str, ...]:
    """What ``new`` asks for beyond ``old``, or weakens; empty when it asks for the same or less.

    It may list something that several old rules covered only together; it never leaves out what is new.
    """
    return (
        *_capability_growth(old.capabilities, new.capabilities),
        *_runtime_growth(old.runtime, new.runtime),
        *_tool_growth(old, new),
        *_privacy_growth(old.privacy_filters, new.privacy_filters),
    )


def changed_words(old: str, new: str) -> tuple[str, str]:
    """The words between the beginning and the end that both texts share: of the old text, and of the new one."""
    # Attack: texts on which an exact comparison takes the square of their length. This one reads each word twice.
    was, now = old.split(), new.split()
    shared = min(len(was), len(now))
    head = next((i for i in range(shared) if was[i] != now[i]), shared)
    tail = next((i for i in range(shared - head) if was[-1 - i] != now[-1 - i]), shared - head)
    return " ".join(was[head : len(was) - tail]), " ".join(now[head : len(now) - tail])


def _list(items: Iterable[object]) -> str:
    words = [str(item) for item in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _size(count: int) -> str:
    """Exact, in the largest unit that divides it."""
    for unit, name in ((1024 * MIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if count % unit == 0:
            return f"{count // unit} {name}"
    return f"{count} bytes"


def _rule_words(rule: NetworkRule) -> str:
    host = f"any sub-domain of {rule.host}" if rule.wildcard else rule.host
    methods = f"{_list(rule.methods)} requests" if rule.methods else "requests"
    usual = {WEB_PORTS[scheme] for scheme in rule.schemes}
    ports = "" if set(rule.ports) == usual else f" on port{'s' if len(rule.ports) > 1 else ''} {_list(rule.ports)}"
    paths = f", only below {_list(rule.paths)}," if rule.paths and "/" not in rule.paths else ""
    secure = {"https": "HTTPS", "http": "unencrypted HTTP"}
    return f"May send {methods} to {host}{ports}{paths} over {_list(secure[scheme] for scheme in rule.schemes)}."


def _place(path: str) -> str:
    inside = path.removeprefix("${workspace}")
    if inside == path:
        return plain_path(path)
    return f"{plain_path(inside[1:])} in the workspace" if inside else "the whole workspace"


def plain_path(path: str) -> str:
    """Attack: a path that goes on as a sentence of ours, or fills the screen with spaces until it seems to."""
    return path if _PLAIN_PATH.fullmatch(path) else json.dumps(path, ensure_ascii=False).replace("  ", "\\x20\\x20")


def _read_words(path: str) -> str:
    return f"May read {_place(path)}, with everything in it."


def _write_words(path: str) -> str:
    return f"May create, change and delete files at {_place(path)}, with everything in it."


def _env_words(name: str) -> str:
    return f"Is given the setting {name} and can read it."


def _secret_words(secret: Secret) -> str:
    return f"May use the secret {secret.name} in requests to {secret.host} (header {secret.header}) without seeing it."


def _hardware_words(one: Hardware) -> str:
    return f"May {_USES[one.mode]} the device {one.path} ({one.device})."


def _capability_growth(old: Capabilities, new: Capabilities) -> list[str]:
    out = [_rule_words(rule) for rule in new.network if not rule_covered(rule, old.network)]
    out += [_read_words(path) for path in new.read if not path_covered(path, old.read)]
    out += [_write_words(path) for path in new.write if not path_covered(path, old.write)]
    out += [_env_words(name) for name in new.env_vars if name not in old.env_vars]
    out += [_secret_words(secret) for secret in new.secrets if secret not in old.secrets]
    if new.kv_max_bytes > old.kv_max_bytes:
        before = f" instead of {_size(old.kv_max_bytes)}" if old.kv_max_bytes else ""
        out.append(f"May keep up to {_size(new.kv_max_bytes)}{before} of its own data between calls.")
    return out + [_hardware_words(one) for one in new.hardware if not any(device_covered(one, had) for had in old.hardware)]


def _runtime_growth(old: Runtime, new: Runtime) -> list[str]:
    changes = (
        (new.memory_limit_mb > old.memory_limit_mb, f"May use {new.memory_limit_mb} MiB of memory instead of {old.memory_limit_mb}."),
        (new.timeout_ms > old.timeout_ms, f"May run for {new.timeout_ms} ms instead of {old.timeout_ms}."),
        (old.deterministic and not new.deterministic, "Sees the real time and real randomness, which it did not before."),
        (new.type != old.type, f"Runs as {new.type} instead of {old.type}."),
    )
    out = [words for is_new, words in changes if is_new]
    if new.layer is not None and new.layer != old.layer:
        out.append(f"Runs on the layer {new.layer.id} {new.layer.version} ({new.layer.sha256[:16]}), which it did not before.")
    return out


def _tool_growth(old: Manifest, new: Manifest) -> list[str]:
    levels = {tool.name: tool.security_level for tool in old.tool_definitions}
    out: list[str] = []
    for tool in new.tool_definitions:
        before = levels.get(tool.name)
        if before is None:
            out.append(f"Brings the new tool {tool.name} (security level {tool.security_level}).")
        elif before != tool.security_level:
            # A lower level asks people less often: that is more freedom for the tool, not less.
            out.append(f"Rates the tool {tool.name} {tool.security_level} instead of {before}.")
    return out


def _privacy_growth(old: PrivacyFilters, new: PrivacyFilters) -> list[str]:
    if old.enabled and not new.enabled:
        return ["Asks that its answers are not filtered for private data."]
    gone = [name for name in old.patterns if name not in new.patterns]
    gone += [pattern.id for pattern in old.custom_patterns if pattern.regex not in {one.regex for one in new.custom_patterns}]
    return [f"No longer asks that these are hidden in its answers: {_list(gone)}."] if gone else []
