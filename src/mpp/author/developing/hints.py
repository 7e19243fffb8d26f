"""What a tool lacked while it ran, in the words of the manifest."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from mpp.model.jsontext import Json, shown

_PATH = re.compile(r"(?:FileNotFoundError|PermissionError|NotADirectoryError)[^\n']{0,80}'(/[^'\n]{1,200})'")
_VARIABLE = re.compile(r"KeyError: '([A-Z][A-Z0-9_]{1,100})'")


def lacked_call(method: str, params: Json, code: str) -> str:
    """For a host call that was answered with ``not_declared`` or ``not_granted``."""
    given = params if isinstance(params, dict) else {}
    if code == "not_granted":
        return f"{method}: declared, and not granted here: look at the policy (mpp policy explain) and at what was approved"
    if method == "http.fetch":
        parts = urlsplit(str(given.get("url", "")))
        host = parts.hostname or "HOST"
        plain = parts.scheme in {"", "https"} and parts.port in {None, 443}
        entry: Json = host if plain else {"host": host, "schemes": [parts.scheme or "https"], **({"ports": [parts.port]} if parts.port else {})}
        return f"{method} {shown(str(given.get('url', '')), 120)}: add to capabilities in manifest.json: {json.dumps({'network': [entry]})}"
    if method.startswith("kv."):
        return f'{method}: add to capabilities in manifest.json: {{"storage": {{"kv": {{"max_bytes": 65536}}}}}}'
    return f"{method}: the manifest does not declare it"


def lacked_in(text: str) -> tuple[str, ...]:
    """From the words of a failure: a file or variable that was not there may be one that the manifest does not declare."""
    found = [
        f'{shown(path, 200)}: if the tool should have it, add to capabilities in manifest.json: {{"filesystem": {{"read": [{json.dumps(path)}]}}}}'
        for path in dict.fromkeys(_PATH.findall(text))
        if not path.startswith("/package/")
    ]
    found += [
        f'variable {name}: if the tool should have it, add to capabilities in manifest.json: {{"env_vars": ["{name}"]}}; its value: mpp secret set {name} --env'
        for name in dict.fromkeys(_VARIABLE.findall(text))
    ]
    return tuple(found)
