"""Arguments of a call, and the line that carries them to the guest. Spec: spec/call-contract.md sections 1 and 2."""

from __future__ import annotations

import hashlib

from mpp.errors import HostFailed, Refused
from mpp.model.calls import CallContext
from mpp.model.jsonquick import compact, read
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.sandbox.contract.limits import ARGUMENT_BYTES_MAX, ARGUMENT_DEPTH_MAX, ARGUMENT_VALUES_MAX, CONTEXT_BYTES_MAX
from mpp.stages.sandbox.contract.measure import INT_LEAST, INT_MOST, Measure, measure

WHERE = "arguments"


@value
class Arguments:
    """Judged as JSON, not yet against a schema. Made by ``read_arguments`` alone."""

    data: bytes
    """Written once: exactly these bytes stand on the request line."""
    found: Json
    """For the schema check; nobody writes it again."""
    size: Measure
    sha256: str
    """Of ``data``. Spec: call-contract C-5. The hash that approvals and the log bind."""


def read_arguments(data: bytes) -> Arguments:
    """Read and write the arguments once. Spec: call-contract C-2 to C-4."""
    if len(data) > ARGUMENT_BYTES_MAX:
        raise _too_large(f"have more than {ARGUMENT_BYTES_MAX} bytes")
    found = read(data, family="call", where=WHERE)
    if not isinstance(found, dict):
        raise Refused("call.form", "the arguments must be a JSON object", where=WHERE, hint='write { "name": value }')
    size = measure(found)
    if size.depth > ARGUMENT_DEPTH_MAX:
        raise _too_large(f"are nested deeper than {ARGUMENT_DEPTH_MAX} levels")
    if size.values > ARGUMENT_VALUES_MAX:
        raise _too_large(f"have more than {ARGUMENT_VALUES_MAX} values")
    if not size.is_exact:
        # Attack: what policy and people see of a long integer is not what a guest computes with.
        raise Refused("call.number", f"an integer is below {INT_LEAST} or above {INT_MOST}", where=WHERE, hint="send it as a text")
    written = _written(found, decimals=size.decimals)
    if len(written) > ARGUMENT_BYTES_MAX:
        raise _too_large(f"have more than {ARGUMENT_BYTES_MAX} bytes once written out")
    return Arguments(data=written, found=found, size=size, sha256=hashlib.sha256(written).hexdigest())


def request_line(tool: str, arguments: Arguments, context: CallContext) -> bytes:
    """The one line on the guest's standard input. Spec: call-contract C-1, C-6 to C-8."""
    before = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":' + _written(tool) + b',"arguments":'
    after = b',"_meta":' + _written(context.shown()) + b"}}\n"
    if len(before) + len(after) > CONTEXT_BYTES_MAX:
        raise HostFailed(
            "host.context", f"the context of the call has more than {CONTEXT_BYTES_MAX} bytes", hint="use a shorter name for agent, user and tenant"
        )
    return before + arguments.data + after


def _written(found: Json, *, decimals: bool = False) -> bytes:
    # Texts stay UTF-8: escapes of ASCII would make six bytes of two. JSON escapes every line feed, so this is one line.
    return compact(found, decimals=decimals)


def _too_large(what: str) -> Refused:
    return Refused("call.size", f"the arguments {what}", where=WHERE, hint="send less at once")
