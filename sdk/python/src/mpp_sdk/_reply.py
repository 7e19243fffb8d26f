"""The part of a reply that says what came of a call: ``"result":...`` or ``"error":...``, as JSON. Spec: spec/call-contract.md sections 4 and 5."""

from __future__ import annotations

import re
import sys
import typing
from collections import abc
from typing import Any

from mpp_sdk._types import encode, INT_LEAST, INT_MOST
from mpp_sdk.asking import Asked
from mpp_sdk.content import Content, Structured, ToolResponse
from mpp_sdk.errors import Rejected, ToolError

BYTES_MAX = 4_194_304 - 256
"""Bytes of a result. Reason: call contract C-20; 256 for what stands around it."""
ITEMS_MAX = 256
"""Items of content. Reason: call contract C-30."""
FAULT_CHARS_MAX = 8_192
"""Characters of an error. Reason: whoever reads more reads none of it."""

FAILED = -32_603
"""The code of JSON-RPC 2.0 for a defect."""

_LONG_NUMBER = re.compile(r"\d{19}")


def wraps(returns: Any) -> bool:
    """Whether an answer of this type is put into ``{"result": ...}``, so that programs can read it. Texts and content are not."""
    if returns in {Any, None, type(None), str} or is_content(returns):
        return False
    return not is_object(returns)


def is_content(kind: Any) -> bool:
    """Whether the answer is content and not data."""
    kind = bare(kind)
    if isinstance(kind, type):
        return issubclass(kind, (Content, Structured, ToolResponse))
    return any(is_content(one) for one in typing.get_args(kind))


def is_object(kind: Any) -> bool:
    """Whether JSON of this type is always an object."""
    kind = bare(kind)
    origin = typing.get_origin(kind) or kind
    if not isinstance(origin, type):
        return False
    if typing.is_typeddict(origin) or hasattr(origin, "__dataclass_fields__") or hasattr(origin, "model_validate"):
        return True
    return issubclass(origin, abc.Mapping)


def bare(kind: Any) -> Any:
    while typing.get_origin(kind) is typing.Annotated:
        kind = typing.get_args(kind)[0]
    return kind


def of(tool: Any, found: Any) -> str:
    """The result of a tool with a declared return type."""
    if tool.wraps and not isinstance(found, (Content, Structured, ToolResponse)):
        written = encode({"result": found})
        text = found if isinstance(found, str) else written[len('{"result":') : -1]
        return complete(item(text), written)
    return any_of(found)


def any_of(found: Any) -> str:
    """The result for a value of any kind."""
    if isinstance(found, ToolResponse):
        return _response(found)
    if isinstance(found, Structured):
        written = encode(found.value)
        return complete(_items(written if found.content is None else found.content), _object(written))
    if found is None:
        return complete("", "")
    if isinstance(found, (str, Content)) or (isinstance(found, (list, tuple)) and any(isinstance(one, Content) for one in found)):
        return complete(_items(found), "")
    written = encode(found)
    return complete(item(written), written if written.startswith("{") else "")


def _response(found: ToolResponse) -> str:
    if isinstance(found.value, Rejected):
        raise found.value
    if found.is_error:
        return failed(str(found.value))
    out = any_of(found.value)
    return f'{out[:-1]},"_meta":{encode(dict(found.meta))}}}' if found.meta else out


def _object(written: str) -> str:
    if not written.startswith("{"):
        raise TypeError("structured content is an object: give a dict, a dataclass or the like")
    return written


def _items(found: Any) -> str:
    if isinstance(found, (list, tuple)):
        if len(found) > ITEMS_MAX:
            raise ToolError(f"an answer has at most {ITEMS_MAX} items of content, not {len(found)}")
        return ",".join(map(_items, found))
    if isinstance(found, Content):
        return encode(found.item())
    return item(found if isinstance(found, str) else encode(found))


def item(text: str) -> str:
    """A text as an item of content."""
    return f'{{"type":"text","text":{encode(text)}}}'


def complete(items: str, structured: str) -> str:
    """A result of items, and of structured content, if there is some; both as JSON."""
    if structured:
        check_numbers(structured)
        return f'"result":{{"content":[{items}],"structuredContent":{structured},"isError":false}}'
    return f'"result":{{"content":[{items}],"isError":false}}'


def check_numbers(written: str) -> None:
    """Refuse integers that the contract has no room for. A long number is searched as text first: most answers have none."""
    if _LONG_NUMBER.search(written) is not None:
        import json  # noqa: PLC0415 - loaded long ago; named here because only this needs it

        json.loads(written, parse_int=_bounded)


def _bounded(digits: str) -> int:
    found = int(digits) if len(digits) <= len(str(INT_MOST)) + 1 else INT_MOST + 1
    if not INT_LEAST <= found <= INT_MOST:
        raise ToolError("an integer of the answer is below -2^63 or above 2^64 - 1: give it back as a text")
    return found


def failed(text: str) -> str:
    """A result that says that it went wrong."""
    return f'"result":{{"content":[{item(text[:FAULT_CHARS_MAX] or "the tool failed and does not say why")}],"isError":true}}'


def error(code: int, message: str, data: Any = None) -> str:
    """A reply that is no result. Spec: call-contract C-25."""
    more = "" if data is None else f',"data":{encode(data)}'
    return f'"error":{{"code":{int(code)},"message":{encode(str(message))}{more}}}'


def fault(found: BaseException) -> str:
    """What came of whatever a tool raised. What its author did not mean for the caller goes to the log only."""
    if isinstance(found, Asked):
        return f'"result":{{"resultType":"input_required","inputRequests":{encode(found.requests)}}}'
    if isinstance(found, ToolError):
        return failed(str(found))
    if isinstance(found, Rejected):
        return error(found.code, found.message, found.data)
    log_fault(found)
    if isinstance(found, SystemExit):
        return error(FAILED, "the tool ended itself before it had answered")
    return error(FAILED, f"the tool failed ({type(found).__name__}); its log lines say where")


def log_fault(found: BaseException) -> None:
    """Tell the log where an exception came from."""
    import traceback  # noqa: PLC0415 - only for what went wrong

    try:  # noqa: SIM105 - contextlib would be loaded for it
        sys.stderr.write("".join(traceback.format_exception(found)))
    except Exception:  # noqa: BLE001, S110 - an exception whose own text raises; the answer is what counts
        pass
