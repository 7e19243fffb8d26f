"""Calls to the host. Spec: spec/call-contract.md sections 7 and 8.

The way there is looked for once: the module that the Python layer builds in, else the file that components have, else the simulator
of ``mpp_sdk.testing``. What is never there is a way around the host.
"""

from __future__ import annotations

import json
import os
import sys
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import Any

from mpp_sdk.errors import host_error, HostError

Transport = Callable[[bytes], bytes]

HOST_FILE = "/mpp/host"
READ_BYTES = 1 << 18
"""Bytes asked for at a time from the file. Reason: few steps for an answer of megabytes, little memory for a short one."""
ANSWER_BYTES_MAX = 12 * 1024 * 1024
"""Bytes of one answer. Reason: the host sends no longer message."""

_chosen: Transport | None = None
simulator: Transport | None = None
"""Set by ``mpp_sdk.testing``, for the time of a test."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def choose() -> Transport | None:
    """The way to the host, if this process has one. May be called at any time; does not open anything that a snapshot would keep."""
    global _chosen  # noqa: PLW0603 - found once for a process
    if _chosen is None and "_mpp" in sys.builtin_module_names:
        import _mpp  # type: ignore[import-not-found]  # noqa: PLC0415 - only the layer has it

        _chosen = _mpp.call
    return _chosen


def call(method: str, params: dict[str, Any]) -> Any:
    """Ask the host, and give its result, or raise the error of its code."""
    transport = simulator or _chosen or choose() or _file
    try:
        request = _encode({"method": method, "params": params}).encode("utf-8")
    except ValueError as fault:  # half a character, or a number that JSON does not have
        raise host_error("bad_request", f"the request cannot be written: {fault}") from None
    try:
        answer = json.loads(transport(request))
    except OSError as fault:  # of the layer: the call itself failed, or there is no host
        raise host_error("unavailable", str(fault)) from None
    if "result" in answer:
        return answer["result"]
    error = answer.get("error") or {}
    raise host_error(str(error.get("code", "")), str(error.get("message", "")))


def is_there() -> bool:
    """Whether there is a host to call."""
    return bool(simulator or choose()) or os.path.exists(HOST_FILE)


def _file(request: bytes) -> bytes:
    try:
        channel = os.open(HOST_FILE, os.O_RDWR)
    except OSError:
        raise HostError("unavailable", "there is no host here: run the tool in a package, or in a test with mpp_sdk.testing") from None
    try:
        data = request + b"\n"
        while data:
            data = data[os.write(channel, data) :]
        return _line(channel)
    finally:
        os.close(channel)


def _line(channel: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        part = os.read(channel, READ_BYTES)
        parts.append(part)
        size += len(part)
        if part.endswith(b"\n"):
            return b"".join(parts)
        if not part or size > ANSWER_BYTES_MAX:
            raise HostError("unavailable", "the host broke off its answer")


def to_base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def from_base64(text: str) -> bytes:
    return a2b_base64(text)
