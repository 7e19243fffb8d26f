"""Progress of a long call. Spec: spec/call-contract.md C-67."""

from __future__ import annotations

from mpp_sdk import _host
from mpp_sdk.errors import HostError


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Say how far the tool is. A host that does not take it does not stop the tool."""
    params: dict[str, object] = {"progress": done}
    if total is not None:
        params["total"] = total
    if message:
        params["message"] = message
    if _host.is_there():
        try:
            _host.call("progress", params)
        except HostError:
            return
