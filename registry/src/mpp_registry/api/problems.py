"""Refusals as HTTP has them: a status, and a document after RFC 9457 with our code in it. Nothing else about a fault leaves the process."""

from __future__ import annotations

from mpp.errors import HostFailed, MppError, RemoteFailed
from mpp.model.jsonquick import compact
from mpp.model.jsontext import shown
from mpp.protocol.registry.documents import Problem, PROBLEM_CHARS_MAX

MEDIA = "application/problem+json"

OF_FAMILIES: dict[str, int] = {
    "archive": 422, "size": 413, "path": 422, "content": 422, "signature": 422, "publisher": 403, "manifest": 422, "capability": 422, "wasm": 422,
    "description": 422, "registry": 422, "remote": 502, "host": 500, "usage": 400,
}  # fmt: skip
"""Status of a refusal by its family, as spec/codes.toml has it. Of another family is nothing that a registry answers with."""

OF_CODES: dict[str, int] = {
    "registry.unauthenticated": 401,
    "registry.key": 401,
    "registry.request": 401,
    "registry.request_time": 401,
    "registry.replay": 401,
    "registry.token": 401,
    "registry.forbidden": 403,
    "registry.suspended": 403,
    "registry.owned": 403,
    "registry.namespace": 403,
    "registry.lookalike": 403,
    "registry.oidc": 403,
    "registry.absent": 404,
    "registry.exists": 409,
    "registry.state": 409,
    "registry.changed": 409,
    "registry.checkpoint": 409,
    "registry.staged": 409,
    "registry.recovery": 409,
    "registry.loop": 409,
    "registry.report": 409,
    "registry.fleet": 403,
    "registry.enrolment": 403,
    "registry.peer": 502,
    "registry.gone": 410,
    "registry.quota": 429,
    "registry.method": 405,
    "registry.parameter": 400,
    "registry.header": 400,
    "registry.media": 415,
    "registry.large": 413,
    "registry.slow": 408,
    "registry.rate": 429,
    "registry.busy": 503,
    "registry.unsatisfiable": 416,
    "registry.failed": 500,
    "registry.json": 400,
}
"""Those whose status is not that of their family."""

TITLES: dict[int, str] = {
    400: "The request cannot be read", 401: "Who asks is not known", 403: "This is not allowed", 404: "It is not here", 405: "This cannot be done here",
    408: "The request came too slowly", 409: "It stands against what is there", 410: "It was withdrawn", 413: "It is too large", 415: "It is of another kind",
    416: "There is no such part", 422: "It was judged and refused", 429: "Too many requests", 500: "The registry could not do its part",
    502: "Another server could not do its part", 503: "The registry is busy",
}  # fmt: skip


def status_of(fault: MppError) -> int:
    found = OF_CODES.get(fault.code)
    if found is not None:
        return found
    if isinstance(fault, RemoteFailed):
        return 502
    if isinstance(fault, HostFailed):
        return 500
    return OF_FAMILIES.get(fault.code.partition(".")[0], 422)


def problem_of(fault: MppError, request_id: str) -> Problem:
    """What its sender is told. Attack: a failure of ours names files, hosts and statements of ours; then only the id of the request leaves."""
    status = status_of(fault)
    if isinstance(fault, HostFailed) and status >= 500 and fault.code != "registry.busy":
        return internal(request_id, status)
    return Problem(
        status=status, code=fault.code, title=TITLES.get(status, TITLES[422]), detail=_bounded(fault.message), hint=_bounded(fault.hint),
        where=_bounded(fault.where), request_id=request_id,
    )  # fmt: skip


def internal(request_id: str, status: int = 500) -> Problem:
    detail = "the registry could not do its part; what went wrong is in its log under the id of the request"
    return Problem(status=status, code="registry.failed", title=TITLES[500], detail=detail, hint="try again later, or ask who runs it", request_id=request_id)


def problem_bytes(problem: Problem) -> bytes:
    return compact(problem.to_json(), decimals=False)


def _bounded(text: str) -> str:
    return text if text.isprintable() and len(text) <= PROBLEM_CHARS_MAX else shown(text, PROBLEM_CHARS_MAX)
