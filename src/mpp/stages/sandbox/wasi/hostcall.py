"""``mpp_host.call``: the import through which a guest speaks to the host. The virtual file does the same for guests without imports."""

from __future__ import annotations

from mpp.stages.sandbox.limits import HOST_REQUEST_BYTES_MAX
from mpp.stages.sandbox.wasi import limits
from mpp.stages.sandbox.wasi.state import State

BAD_POINTER = limits.HOST_ANSWER_RAW - 1
TOO_LARGE = limits.HOST_ANSWER_RAW - 2
NOTHING_KEPT = limits.HOST_ANSWER_RAW - 3
NO_HOST = limits.HOST_ANSWER_RAW - 4


def host_call_raw(call: State, request: int, request_size: int, response: int, capacity: int) -> int:
    """Bytes written, or minus the bytes needed, or an error below ``HOST_ANSWER_RAW``.

    An answer that does not fit is kept and fetched with an empty request, so no request is ever executed twice.
    """
    here = call.view()
    # Both spans are judged first: after the host acted, its answer must have a place.
    if request + request_size > len(here) or response + capacity > len(here):
        return BAD_POINTER
    if request_size > HOST_REQUEST_BYTES_MAX:
        return TOO_LARGE
    if call.host_call is None:
        return NO_HOST
    answer = call.host_call(bytes(here[request : request + request_size])) if request_size else call.kept_answer
    if answer is None:
        return NOTHING_KEPT
    if len(answer) > capacity:
        call.kept_answer = answer
        return -len(answer)
    call.kept_answer = None
    here = call.view()
    here[response : response + len(answer)] = answer
    return len(answer)
