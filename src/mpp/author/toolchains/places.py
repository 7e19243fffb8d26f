"""Where toolchains and what compilers keep between builds lie: below the user's cache, because all of it can be made again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping

VARIABLE = "MPP_TOOLCHAINS"
"""Names another folder for toolchains, such as one that several users share."""


def cache_base(env: Mapping[str, str]) -> str:
    """``$XDG_CACHE_HOME/mpp``, or ``~/.cache/mpp``."""
    base = env.get("XDG_CACHE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.join(os.path.expanduser("~"), ".cache"), "mpp")


def toolchains_folder(env: Mapping[str, str]) -> str:
    given = env.get(VARIABLE, "")
    return given if os.path.isabs(given) else os.path.join(cache_base(env), "toolchains")


def language_cache(env: Mapping[str, str], name: str) -> str:
    """The private folder that a language keeps between builds."""
    return os.path.join(cache_base(env), name)


def usable(folder: str) -> str:
    """``folder`` once it exists and can be written, else nothing: a read-only home only makes builds slower."""
    folder = os.path.abspath(folder)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return ""
