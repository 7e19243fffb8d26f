"""Libraries of Debian that modules of CPython stand on, and what is changed in CPython's sources."""

from __future__ import annotations

from collections.abc import Callable

from mpp.author.layers.limits import SOURCE_BYTES_MAX
from mpp.author.layers.workshop import Workshop
from mpp.files import read_bounded
from mpp.model.value import value


@value
class Part:
    """A source package, and what of it and of CPython is compiled together."""

    source: str
    archive: str
    """A word in the name of its archive."""
    files: tuple[str, ...]
    flags: tuple[str, ...] = ()
    prepare: Callable[[Workshop], None] | None = None


@value
class Edit:
    """One exact change. A source in which it no longer fits is refused."""

    file: str
    old: str
    new: str


C_DEPTH = 400
PARSER_DEPTH = 1000
MARSHAL_DEPTH = 500

EDITS: tuple[Edit, ...] = (
    # A guest has 512 KiB of native stack (S-10). Deep recursion shall be an exception of Python and not the end of the call.
    Edit(file="py/Include/cpython/pystate.h", old="#  define Py_C_RECURSION_LIMIT 5000", new=f"#  define Py_C_RECURSION_LIMIT {C_DEPTH}"),
    Edit(file="py/Parser/parser.c", old="#    define MAXSTACK 4000", new=f"#    define MAXSTACK {PARSER_DEPTH}"),
    Edit(
        file="py/Python/marshal.c",
        old="#elif defined(__wasi__)\n#  define MAX_MARSHAL_STACK_DEPTH 1500",
        new=f"#elif defined(__wasi__)\n#  define MAX_MARSHAL_STACK_DEPTH {MARSHAL_DEPTH}",
    ),
    # A loop ends its executor in a thread. Ours has done its work when it was given (concurrent/futures/thread.py), and there are no threads.
    Edit(
        file="py/Lib/asyncio/base_events.py",
        old="        future = self.create_future()\n        thread = threading.Thread(target=self._do_shutdown, args=(future,))\n",
        new="        self._default_executor.shutdown()\n        return\n",
    ),
)


def _below(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/{name}.c" for name in names.split())


def _write_fault(shop: Workshop) -> None:
    """Without standard input and output the library asks its user what to do when it finds a mistake of its own."""
    shop.write(
        "bzip2_fault.c", "#include <stdlib.h>\nvoid bz_internal_error(int code);\nvoid bz_internal_error(int code) {\n    (void)code;\n    abort();\n}\n"
    )


PARTS: tuple[Part, ...] = (
    Part(
        source="zlib",
        archive=".orig.",
        files=("py/Modules/zlibmodule.c", *_below("zlib", "adler32 compress crc32 deflate infback inffast inflate inftrees trees uncompr zutil")),
        flags=("-Izlib", "-DPy_BUILD_CORE_BUILTIN"),
    ),
    Part(
        source="bzip2",
        archive=".orig.",
        files=("py/Modules/_bz2module.c", "bzip2_fault.c", *_below("bzip2", "blocksort bzlib compress crctable decompress huffman randtable")),
        flags=("-Ibzip2", "-DPy_BUILD_CORE_BUILTIN", "-DBZ_NO_STDIO"),
        prepare=_write_fault,
    ),
)


def edit_sources(shop: Workshop) -> None:
    for edit in EDITS:
        text = read_bounded(shop.path(edit.file), SOURCE_BYTES_MAX).decode("utf-8")
        if text.count(edit.old) != 1:
            raise shop.failed(f"{edit.file} has changed: {edit.old.strip()!r} stands in it {text.count(edit.old)} times")
        shop.write(edit.file, text.replace(edit.old, edit.new))
