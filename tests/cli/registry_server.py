"""A real registry on loopback with the clock of this machine, for commands that sign requests to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from mpp_registry.opening import Options
from mpp_registry.serve import Listening
from mpp_registry.wiring import Started, started

TOKEN = "an administrator's token of tests"


@contextmanager
def registry_server(folder: Path, name: str = "Example registry") -> Iterator[Started]:
    options = Options(data=str(folder), name=name, require_namespace=False, admin_token_sha256=sha256(TOKEN.encode()).hexdigest())
    with started(options, Listening(listen="127.0.0.1:0"), environment={}, write_line=lambda _: None) as running:
        ready = threading.Event()
        thread = threading.Thread(target=lambda: running.server.run(ready=ready.set))
        thread.start()
        try:
            assert ready.wait(30)
            yield running
        finally:
            running.server.stop()
            thread.join(30)
            assert not thread.is_alive()
