"""Opening a browser at the console without its token in a list of processes."""

from __future__ import annotations

import contextlib
import os
import webbrowser
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import quote

from mpp.files import PRIVATE, make_private_folder, write_atomic

NAME = "open.html"


def can_open(environment: Mapping[str, str], platform: str) -> bool:
    """Is there a screen on which a browser could open? Without one, some would take over the terminal."""
    return platform == "darwin" or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


class Opener:
    """A page in a folder that only its owner can enter. It leads to the console, and is gone as soon as somebody came in.

    Attack: another user of this machine who reads the command lines of processes; the address with the token is in none.
    """

    def __init__(self, folder: str, browse: Callable[[str], bool] = webbrowser.open) -> None:
        self._path, self._browse = os.path.join(folder, NAME), browse

    def open(self, url: str) -> bool:
        """False if there is no browser."""
        make_private_folder(os.path.dirname(self._path))
        safe = escape(url, quote=True)
        text = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>MPP console</title>'
            f'<meta http-equiv="refresh" content="0; url={safe}"><p><a href="{safe}">To the console</a></p></html>\n'
        )
        write_atomic(self._path, text.encode(), PRIVATE)
        try:
            return self._browse("file://" + quote(self._path))
        except webbrowser.Error:
            return False

    def forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
