"""Compiled code of a layer, loaded in a thread while the call that needs it is still judged. Nothing of it runs, and what is loaded is verified as ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from mpp.errors import MppError
from mpp.stages.sandbox import NativeCache


class Early:
    """One load. ``take`` gives its descriptor to whoever asks first; ``close`` closes what nobody took."""

    def __init__(self, wasm_sha256: str, native: Callable[[], NativeCache | None]) -> None:
        self.wasm_sha256 = wasm_sha256
        self._native = native
        self._fd: int | None = None
        self._thread = threading.Thread(target=self._load, name="mpp-early", daemon=True)
        self._thread.start()

    def take(self, wasm_sha256: str) -> int | None:
        """The descriptor of the sealed code with this digest; None where it is another, was not in the cache, or is taken."""
        self._thread.join()
        if wasm_sha256 != self.wasm_sha256:
            return None
        found, self._fd = self._fd, None
        return found

    def close(self) -> None:
        found = self.take(self.wasm_sha256)
        if found is not None:
            os.close(found)

    def _load(self) -> None:
        try:
            cache = self._native()
            self._fd = None if cache is None else cache.load(self.wasm_sha256)
        except MppError:
            # Whoever needs it loads it again, and is told why that fails.
            return
