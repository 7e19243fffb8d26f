"""What can go wrong while a tool runs. Spec: spec/call-contract.md sections 4 and 8."""

from __future__ import annotations


class ToolError(Exception):
    """The tool cannot do what it was asked for. Its text is the answer, marked as an error, and the caller reads it."""


class Rejected(Exception):
    """The tool cannot handle the request at all: the reply is an error with a number, not a result."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


class InvalidArgument(ToolError):
    """An argument has another type than the function says."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = ""

    def at(self, place: object) -> InvalidArgument:
        """The same fault, seen from one level further out."""
        self.path = f"{place}/{self.path}" if self.path else str(place)
        return self

    def __str__(self) -> str:
        return f"the argument {self.path!r} {self.message}" if self.path else f"an argument {self.message}"


class HostError(ToolError):
    """The host refused or could not do what it was asked for. ``code`` is that of the call contract, section 8."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class BadRequest(HostError):
    """The request is not what the contract says, or the host does not know it."""


class NotDeclared(HostError):
    """The manifest does not declare this."""


class NotGranted(HostError):
    """Declared in the manifest, but not granted here, or held back by the host."""


class QuotaExceeded(HostError):
    """More than the package may store, or more host calls than a call may make."""


class TooLarge(HostError):
    """A key, value, body, header or answer is too long."""


class TimedOut(HostError, TimeoutError):
    """The time for this request, or for the whole call (code ``deadline``), is over."""


class NetworkError(HostError, ConnectionError):
    """The other side was not reached, not trusted, or led where the tool may not go."""


class Unavailable(HostError):
    """The host could not. Also: any code that this SDK does not know."""


_CLASSES: dict[str, type[HostError]] = {
    "bad_request": BadRequest,
    "unknown_method": BadRequest,
    "not_declared": NotDeclared,
    "not_granted": NotGranted,
    "quota": QuotaExceeded,
    "too_large": TooLarge,
    "timeout": TimedOut,
    "deadline": TimedOut,
    "unresolvable": NetworkError,
    "blocked_address": NetworkError,
    "connect": NetworkError,
    "tls": NetworkError,
    "protocol": NetworkError,
    "redirect": NetworkError,
}


def host_error(code: str, message: str) -> HostError:
    """The error for a code of the host. A code that is not known counts as ``unavailable`` and is kept."""
    found = _CLASSES.get(code)
    return (found or Unavailable)(code, message)
