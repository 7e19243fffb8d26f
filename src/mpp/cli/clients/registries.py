"""Where runners such as ``npx`` fetch the code that they run: what the user has set, or what the program itself says. None is built in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import urlsplit

ASK_SECONDS_MAX = 10
"""Seconds for a program to say which registry it uses. Reason: it reads a file or two."""

ANSWER_CHARS_MAX = 500
"""Characters of such an answer. Reason: it is one address."""

SETTINGS: Mapping[str, tuple[str, ...]] = {"npx": ("npm_config_registry", "NPM_CONFIG_REGISTRY"), "uvx": ("UV_DEFAULT_INDEX", "UV_INDEX_URL")}
"""Variables in which the user names the registry of a runner."""

ASKED: Mapping[str, tuple[str, ...]] = {"npx": ("npm", "config", "get", "registry")}
"""Programs that say it themselves, without reaching for the network."""


def hosts_of(runner: str, environment: Mapping[str, str], ask: Callable[[tuple[str, ...]], str]) -> tuple[str, ...]:
    """``host:port`` of the registry of a runner; nothing where nobody says it."""
    for name in SETTINGS.get(runner, ()):
        if found := _host(environment.get(name, "")):
            return (found,)
    found = _host(ask(ASKED[runner])) if runner in ASKED else ""
    return (found,) if found else ()


def _host(address: str) -> str:
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or not parts.hostname:
        return ""
    return f"{parts.hostname}:{port or 443}"


@cache
def _asked(command: tuple[str, ...]) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, timeout=ASK_SECONDS_MAX, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout[:ANSWER_CHARS_MAX].decode("utf-8", "replace") if done.returncode == 0 else ""


def registries(runner: str) -> tuple[str, ...]:
    """On this machine, for this user."""
    return hosts_of(runner, os.environ, _asked)
