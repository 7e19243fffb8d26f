"""Stage 5, sandbox: a verified package runs with only what was granted, in a process that could do nothing else.

Takes: the entrypoint of a ``VerifiedPackage``, ``Rights``, one call's ``Order``.
Gives: ``Run``, raw and unfiltered.
Refuses: ``wasm.engine``, ``wasm.compile_*`` before anything runs; ``tool.*`` in a ``Run``, ``host.*`` where this machine cannot hold a guest.
Limits: limits.py; memory and time come from the manifest and can only be lowered.

Spec: spec/5-sandbox.md, spec/call-contract.md. What a guest reaches is written once, in wasi/ and run.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.sandbox.cache import CacheEntry, NativeCache
    from mpp.stages.sandbox.capi import ENGINE_MAJOR
    from mpp.stages.sandbox.client import Worker, Zygote
    from mpp.stages.sandbox.contract import (
        ARGUMENT_BYTES_MAX,
        Arguments,
        Content,
        InputRequired,
        SchemaCheck,
        TextContent,
        ToolReply,
        ToolResult,
        read_arguments,
        read_reply,
        read_result,
        request_line,
    )
    from mpp.stages.sandbox.frames import Order
    from mpp.stages.sandbox.image import image_spec
    from mpp.stages.sandbox.image_cache import ImageCache, ImageName
    from mpp.stages.sandbox.imaging import make_image, Making
    from mpp.stages.sandbox.native import compile_known, compile_wasm
    from mpp.stages.sandbox.ports import Border, HostCalls, Live, Scope
    from mpp.stages.sandbox.run import CLOSED_BORDER, CallScope, run_call
    from mpp.stages.sandbox.types import Compiled, Image, Run, Used

__getattr__ = door(
    __name__,
    {
        "cache": "CacheEntry NativeCache",
        "capi": "ENGINE_MAJOR",
        "client": "Worker Zygote",
        "contract": "ARGUMENT_BYTES_MAX Arguments Content InputRequired SchemaCheck TextContent ToolReply ToolResult read_arguments read_reply read_result request_line",
        "frames": "Order",
        "image": "image_spec",
        "image_cache": "ImageCache ImageName",
        "imaging": "make_image Making",
        "native": "compile_known compile_wasm",
        "ports": "Border HostCalls Live Scope",
        "run": "CLOSED_BORDER CallScope run_call",
        "types": "Compiled Image Run Used",
    },
)

__all__ = (
    "ARGUMENT_BYTES_MAX",
    "CLOSED_BORDER",
    "ENGINE_MAJOR",
    "Arguments",
    "Border",
    "CacheEntry",
    "CallScope",
    "Compiled",
    "Content",
    "HostCalls",
    "Image",
    "ImageCache",
    "ImageName",
    "InputRequired",
    "Live",
    "Making",
    "NativeCache",
    "Order",
    "Run",
    "SchemaCheck",
    "Scope",
    "TextContent",
    "ToolReply",
    "ToolResult",
    "Used",
    "Worker",
    "Zygote",
    "compile_known",
    "compile_wasm",
    "image_spec",
    "make_image",
    "read_arguments",
    "read_reply",
    "read_result",
    "request_line",
    "run_call",
)
