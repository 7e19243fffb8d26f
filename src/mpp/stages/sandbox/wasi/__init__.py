"""WASI preview 1 in Python: what a guest asks of the system, answered within its grants.

**Takes**: a ``Setup`` made of grants, what one call brings (request, environment, deadline, clocks), and the numbers of each function.
**Gives**: an error number for each function, output, and the list of files used. It never raises but to end the guest.
**Refuses**: every path that the kernel cannot hold beneath a grant, pipes and devices in folders, links that lead up, all sockets.
**Limits**: ``Quota`` per call and wasi/limits.py per function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.sandbox.wasi.codes import DeadlineOver, OutputOver, ProcExit
    from mpp.stages.sandbox.wasi.preview1 import FUNCTIONS, Preview1
    from mpp.stages.sandbox.wasi.setup import DeviceGrant, Grant, prepare
    from mpp.stages.sandbox.wasi.state import FilesUsed, Quota, Setup, Times

__getattr__ = door(
    __name__,
    {
        "codes": "DeadlineOver OutputOver ProcExit",
        "preview1": "FUNCTIONS Preview1",
        "setup": "DeviceGrant Grant prepare",
        "state": "FilesUsed Quota Setup Times",
    },
)

__all__ = ["FUNCTIONS", "DeadlineOver", "DeviceGrant", "FilesUsed", "Grant", "OutputOver", "Preview1", "ProcExit", "Quota", "Setup", "Times", "prepare"]
