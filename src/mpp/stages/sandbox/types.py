"""What the sandbox takes and gives."""

from __future__ import annotations

from mpp.errors import MppError
from mpp.model.value import value

ENDINGS = ("exit", "trap", "deadline", "output", "start", "host")


@value
class Ending:
    """How a guest ended."""

    kind: str
    """``exit``: by itself, with ``code``. ``trap``: the engine stopped it. ``deadline``: its time was over. ``output``: it wrote too much.
    ``start``: it could not begin. ``host``: our own side failed."""
    code: int = 0
    detail: str = ""


EXITED = Ending(kind="exit")
"""By itself, and with nothing to say: how nearly all end."""


@value
class Compiled:
    """Native code for one entrypoint, in sealed memory. Only the cache and the compile jail make one; its maker closes it."""

    fd: int
    """A sealed memory file."""
    size: int
    wasm_sha256: str
    component: bool
    fresh: bool
    """Compiled just now, not taken from the cache."""


@value
class GlobalValue:
    """One exported global of a layer, as it was when the image was taken."""

    name: str
    kind: int
    """0 to 3: i32, i64, f32, f64."""
    bits: int


@value
class Image:
    """A layer's memory after it has initialised itself for one tool. Only the cache and ``make_image`` make one; its maker closes it."""

    fd: int
    """A sealed memory file: the memory, then a trailer with what follows here."""
    size: int
    """Bytes of memory: whole pages of 64 KiB."""
    globals: tuple[GlobalValue, ...]
    imported: bool
    """Was the tool imported in it? If not, each call imports it."""
    note: str
    """Why it was not, in words of the tool; raw."""


@value
class Used:
    """What one call used. Hosts, keys and secrets are observed by the host; files are reported by the worker."""

    hosts: tuple[str, ...] = ()
    kv: tuple[tuple[str, int], ...] = ()
    """Methods and how often; never keys."""
    secrets: tuple[str, ...] = ()
    echoed: tuple[str, ...] = ()
    """Secrets that a service sent back, and that were taken out of its answer."""
    files_read: tuple[str, ...] = ()
    files_written: tuple[str, ...] = ()
    host_calls: int = 0
    more: bool = False
    """There were more names than are kept."""


@value
class Run:
    """One finished run: raw output of the guest, which nobody but the filter may read, and how it ended."""

    fault: MppError | None
    """None when the guest ended by itself; then ``stdout`` may hold an answer."""
    exit_code: int
    stdout: bytes
    stderr: bytes
    stderr_cut: int
    """Bytes of standard error that were dropped."""
    used: Used
    seconds: float
    """From order to answer."""
    reusable: bool
    """The worker is as good as before."""
