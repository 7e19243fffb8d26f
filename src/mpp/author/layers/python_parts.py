"""Libraries of Debian that modules of CPython stand on, and what is changed in CPython's sources."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

from mpp.author.layers.freezing import run_inside
from mpp.author.layers.limits import SOURCE_BYTES_MAX
from mpp.author.layers.sqlite_sources import read_source_id, write_header, write_opcodes
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


_SQLITE = """
    alter analyze attach auth backup bitvec btmutex btree build callback complete ctime date dbpage dbstat delete expr fault fkey func global hash insert json
    legacy loadext main malloc mem0 mem1 memdb memjournal mutex mutex_noop notify os pager pcache pcache1 pragma prepare printf random resolve rowset select
    status table threads tokenize treeview trigger update upsert utf util vacuum vdbe vdbeapi vdbeaux vdbeblob vdbemem vdbesort vdbetrace vdbevtab vtab wal
    walker where wherecode whereexpr window
"""
_SQLITE_MODULE = "blob connection cursor microprotocols module prepare_protocol row statement util"


def _generate_sqlite(shop: Workshop) -> None:
    work = shop.path("generated")
    os.makedirs(work)
    cc = shop.path("bin", "cc")
    for name in ("lemon", "mkkeywordhash"):
        shop.run([cc, "-O1", "-w", f"sqlite3/tool/{name}.c", "-o", f"{name}.wasm"], f"compiling {name}")
    for name in ("src/parse.y", "tool/lempar.c"):
        shutil.copyfile(shop.path("sqlite3", *name.split("/")), os.path.join(work, os.path.basename(name)))
    run_inside(shop.path("lemon.wasm"), work, shop.log, "-q", "-T/shop/lempar.c", "/shop/parse.y", stdout="lemon.txt")
    run_inside(shop.path("mkkeywordhash.wasm"), work, shop.log, stdout="keywordhash.h")
    header, code = write_opcodes(_text(shop, "generated/parse.h"), _text(shop, "sqlite3/src/vdbe.c"))
    shop.write("generated/opcodes.h", header)
    shop.write("generated/opcodes.c", code)
    source_id = read_source_id(_text(shop, "sqlite3/manifest"), _text(shop, "sqlite3/manifest.uuid"))
    shop.write("generated/sqlite3.h", write_header(_text(shop, "sqlite3/src/sqlite.h.in"), _text(shop, "sqlite3/VERSION").strip(), source_id))


def _text(shop: Workshop, name: str) -> str:
    return read_bounded(shop.path(name), SOURCE_BYTES_MAX).decode("utf-8")


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
    Part(
        source="sqlite3",
        archive=".orig.tar",
        files=(*_below("py/Modules/_sqlite", _SQLITE_MODULE), "sqlite_vfs.c", "generated/parse.c", "generated/opcodes.c", *_below("sqlite3/src", _SQLITE)),
        flags=(
            "-Igenerated",
            "-Isqlite3/src",
            "-w",
            "-DSQLITE_OS_OTHER=1",
            "-DSQLITE_THREADSAFE=0",
            "-DSQLITE_TEMP_STORE=3",
            "-DSQLITE_OMIT_LOAD_EXTENSION=1",
            "-DSQLITE_OMIT_WAL=1",
            "-DSQLITE_DEFAULT_MEMSTATUS=0",
            "-DSQLITE_ENABLE_MATH_FUNCTIONS=1",
            "-DSQLITE_ENABLE_COLUMN_METADATA=1",
            "-DSQLITE_MAX_EXPR_DEPTH=500",
            "-DPY_SQLITE_HAVE_SERIALIZE=1",
        ),
        prepare=_generate_sqlite,
    ),
)


def edit_sources(shop: Workshop) -> None:
    for edit in EDITS:
        text = read_bounded(shop.path(edit.file), SOURCE_BYTES_MAX).decode("utf-8")
        if text.count(edit.old) != 1:
            raise shop.failed(f"{edit.file} has changed: {edit.old.strip()!r} stands in it {text.count(edit.old)} times")
        shop.write(edit.file, text.replace(edit.old, edit.new))
