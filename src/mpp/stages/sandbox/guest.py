"""One call as the guest sees it: WASI, the host call, and what the order says of clock, randomness and variables."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Mapping

from mpp.jail.landlock import Rule
from mpp.model.jsontext import Json
from mpp.stages.sandbox.frames import Order, TALK_BYTES_MAX
from mpp.stages.sandbox.placing import Taking
from mpp.stages.sandbox.wasi import Preview1
from mpp.stages.sandbox.wasi.setup import DeviceGrant, Grant, prepare
from mpp.stages.sandbox.wasi.state import Times

ARGUMENTS = (b"tool",)
"""What a guest finds as its arguments: a name, and nothing of this machine."""

INITIAL_ARGUMENTS = (b"layer",)
"""What a layer finds while it initialises itself."""

INITIALISING = "initialising"
"""What the spec of a worker says that makes an image."""

_LIVE_TIMES = Times()


class Grants:
    """What a worker was given at its start, for all of its calls."""

    def __init__(self, folders: tuple[Grant, ...], devices: tuple[DeviceGrant, ...]) -> None:
        self.folders, self.devices = folders, devices
        self.setup = prepare(folders, devices)

    @classmethod
    def read(cls, spec: Mapping[str, Json], fds: list[int]) -> Grants:
        """From the host's message; the host is trusted by its worker."""
        rest = iter(fds)
        folders = tuple(Grant(guest=str(guest), write=write is True, folder=folder is True, fd=next(rest)) for guest, write, folder in _rows(spec["folders"]))
        devices = tuple(DeviceGrant(guest=str(guest), mode=str(mode), fd=next(rest)) for guest, mode in _rows(spec["devices"]))
        return cls(folders, devices)

    @property
    def writes(self) -> bool:
        return any(folder.write for folder in self.folders)

    def fds(self) -> tuple[int, ...]:
        """What must stay open behind the barriers."""
        return (*(one.fd for one in self.folders), *(one.fd for one in self.devices), *self.setup.opened)

    def rules(self) -> tuple[Rule, ...]:
        """What Landlock lets the process open by itself."""
        return tuple(Rule(at=one.fd, write=one.write) for one in self.folders if stat.S_ISDIR(os.fstat(one.fd).st_mode))


def _rows(found: Json) -> list[list[Json]]:
    return [item for item in found if isinstance(item, list)] if isinstance(found, list) else []


class CallGuest(Preview1):
    """WASI for one order."""

    def __init__(self, order: Order, grants: Grants, ask: Callable[[bytes], bytes] | None) -> None:
        super().__init__(
            grants.setup,
            args=ARGUMENTS,
            env=tuple(name + b"=" + text for name, text in order.env) if order.env else (),
            times=Times.standing(order.now_ns) if order.deterministic else _LIVE_TIMES,
            random=seeded(order.seed) if order.deterministic else os.urandom,
            deadline=order.deadline,
            host_call=ask,
            stdin=order.stdin,
        )

    def finish(self) -> bytes:
        """Close what the guest opened, and say which files it used."""
        self.close()
        if not self.has_used_files:
            return b""
        used = self.used()
        report: dict[str, Json] = {"read": [*used.read], "written": [*used.written], "more": used.more}
        told = json.dumps(report).encode()
        return told if len(told) <= TALK_BYTES_MAX else b'{"more": true}'


class InitialGuest(CallGuest):
    """WASI for a layer that initialises itself: the bundle on standard input, no folder, no variable, no host, and clock and randomness of the order.

    Its report is that on the image, empty if there is none.
    """

    def __init__(self, order: Order, bundle: memoryview, taking: Taking) -> None:
        Preview1.__init__(
            self, args=INITIAL_ARGUMENTS, times=Times.standing(order.now_ns), random=seeded(order.seed), deadline=order.deadline, stdin=bundle
        )  # fmt: skip
        self._taking = taking

    def finish(self) -> bytes:
        self.close()
        taking = self._taking
        if not taking.size:
            return b""
        rows: list[Json] = [[one.name, one.kind, f"{one.bits:x}"] for one in taking.globals]
        return json.dumps({"size": taking.size, "globals": rows}).encode()


class _Seeded:
    def __init__(self, seed: bytes) -> None:
        self._seed, self._next, self._held = seed, 0, b""

    def __call__(self, count: int) -> bytes:
        pieces, have = [self._held], len(self._held)
        while have < count:
            pieces.append(hashlib.sha256(self._seed + self._next.to_bytes(8, "little")).digest())
            self._next += 1
            have += 32
        whole = b"".join(pieces)
        self._held = whole[count:]
        return whole[:count]


def seeded(seed: bytes) -> Callable[[int], bytes]:
    """Randomness that is the same for the same seed: SHA-256 in counter mode."""
    return _Seeded(seed)
