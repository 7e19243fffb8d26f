"""What a static look at WebAssembly gives, and the cursor that all readers of it share."""

from __future__ import annotations

from typing import Literal, NoReturn

from mpp.errors import Refused
from mpp.model.value import value
from mpp.stages.gatekeeper import wasm_limits as limits

AGAIN = "compile the tool again; the file is damaged or no WebAssembly that this format version knows"
SMALLER = "make the tool smaller, for example by stripping and optimising it"


@value
class Import:
    """One thing the file asks its host for. In a component ``module`` is the whole interface name, ``name`` is empty."""

    module: str
    name: str
    kind: str
    signature: str = ""
    """For a function of a core module: its type, such as ``ii:i`` (see ``VALUE_LETTERS``)."""


@value
class Export:
    """One thing the file offers its host."""

    name: str
    kind: str
    signature: str = ""


@value
class WasmShape:
    """All that a static look tells. For a component the counts of nested modules are not taken."""

    form: Literal["core", "component"]
    size: int
    functions: int
    imports: tuple[Import, ...]
    exports: tuple[Export, ...]
    memory_min_pages: int | None
    memory_max_pages: int | None
    tables: int
    globals: int
    data_segments: int
    custom_sections: tuple[str, ...]
    has_start: bool
    variables: str = ""
    """The types of the exported globals that can change, as letters."""
    hidden_variables: int = 0
    """Globals that can change and are exported under no name."""


class Cursor:
    """Reads forward between two offsets and never past ``end``; each step costs a bounded time."""

    __slots__ = ("at", "end", "view", "where")

    def __init__(self, view: memoryview, at: int) -> None:
        self.view = view
        self.at = at
        self.end = len(view)
        self.where = "file"

    def fault(self, code: str, message: str, hint: str = AGAIN) -> NoReturn:
        raise Refused(f"wasm.{code}", message, where=f"{self.where}, offset {self.at}", hint=hint)

    def byte(self) -> int:
        at = self.at
        if at >= self.end:
            self.fault("truncated", "ends inside a value")
        self.at = at + 1
        return self.view[at]

    def skip(self, count: int) -> None:
        if count > self.end - self.at:
            self.fault("truncated", "states more bytes than it has")
        self.at += count

    def take(self, count: int) -> bytes:
        start = self.at
        self.skip(count)
        return bytes(self.view[start : self.at])

    def u32(self) -> int:
        """Spec: W-5. Compilers pad numbers for later patching, so up to five bytes are right, one more is not."""
        at = self.at
        if at < self.end and self.view[at] < 0x80:
            self.at = at + 1
            return self.view[at]
        number = 0
        for shift in (0, 7, 14, 21, 28):
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
        else:
            self.fault("number", "a number is longer than five bytes")
        if number >> 32:
            self.fault("number", "a number does not fit 32 bits")
        return number

    def skip_signed(self, width: int) -> None:
        """Pass a signed number of ``width`` bits: its length is bounded and its unused bits repeat the sign."""
        longest = -(-width // 7)
        for _ in range(longest - 1):
            if self.byte() < 0x80:
                return
        last = self.byte()
        spare = width - 7 * (longest - 1) - 1
        if last > 0x7F or last >> spare not in (0, 0x7F >> spare):
            self.fault("number", f"a number does not fit {width} bits")

    def count(self, most: int, what: str) -> int:
        """The length of a list, judged before anything of the list is read."""
        found = self.u32()
        if found > most:
            self.fault("limit", f"{found} {what}, at most {most} are allowed", SMALLER)
        return found

    def name(self) -> str:
        """Spec: W-6."""
        length = self.count(limits.NAME_BYTES_MAX, "bytes in a name")
        try:
            return str(self.take(length), "utf-8")
        except UnicodeDecodeError:
            self.fault("name", "a name is not valid UTF-8")
