from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from mpp.author import compile as subject
from mpp.author import confined, limits, running
from mpp.author.compile import COMPILERS, compile_project, compiler_arguments, compiler_tools, default_cache
from mpp.author.project import Project, BuildSettings, read_project
from mpp.errors import HostFailed, Refused

DOCS = Path(__file__).parents[3] / "docs"


def quiet(_: str) -> None:
    pass


def project_of(folder: Path, files: dict[str, str], **settings: object) -> Project:
    for name, text in {"manifest.json": "{}", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    given = {"sources": ("src/*.c",), **settings}
    language = given.pop("language", "c")
    return Project(root=str(folder), manifest_path=str(folder / "manifest.json"), settings=BuildSettings(language=language, given=given))  # type: ignore[arg-type]


def run(module: bytes, data: bytes, folder: Path, *, memory: int = 16 * 1024 * 1024) -> bytes:
    """The module's answer, with as much memory as the template's manifest gives."""
    wasmtime = pytest.importorskip("wasmtime")
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_limits(memory_size=memory)
    (folder / "in").write_bytes(data)
    wasi = wasmtime.WasiConfig()
    wasi.stdin_file = str(folder / "in")
    wasi.stdout_file = str(folder / "out")
    store.set_wasi(wasi)
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    start = linker.instantiate(store, wasmtime.Module(engine, module)).exports(store)["_start"]
    try:
        start(store)
    except wasmtime.ExitTrap as trap:
        if trap.code != 0:
            raise
    return (folder / "out").read_bytes()


SYSTEM = tuple(folder for folder in ("/usr", "/bin", "/lib", "/lib64", "/dev") if os.path.exists(folder))
"""A shell reads its libraries; the compiler has none."""


def fake(folder: Path, script: str) -> str:
    path = folder / "zig"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return str(path)


LISTS = 'd=$ZIG_LOCAL_CACHE_DIR/tmp; /usr/bin/env mkdir -p $d; for n in main mpp; do echo "$n.o: src/$n.c" > $d/$n.d; done; '


# --- the module of the template


def test_golden_pairs_on_wasm(hello: Path, module: bytes, tmp_path: Path) -> None:
    requests = (hello / "tests/requests.jsonl").read_bytes().splitlines(keepends=True)
    replies = (hello / "tests/replies.jsonl").read_bytes().splitlines(keepends=True)
    assert [run(module, line, tmp_path) for line in requests] == replies


def test_one_line_is_read_and_answered(module: bytes, tmp_path: Path) -> None:
    request = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet"}}'
    wanted = run(module, request + b"\n", tmp_path)
    assert b"Hello, World!" in wanted
    assert run(module, request, tmp_path) == wanted, "the end of input ends the line too"
    assert run(module, request + b"\r\n{not read", tmp_path) == wanted


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[" * (1024 * 1024 + 1), b"too long"),
        (b'{"a":"' + b"a" * 4 * 1024 * 1024, b"too long"),
        (b'{"a":[' + b"{}," * 300000, b"too many values"),
        (b'{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"name":"greet","arguments":{"name":"' + b"a" * 900000 + b'"}}}', b"Hello, aaa"),
    ],
)
def test_large_requests_fit_the_memory_of_the_manifest(module: bytes, tmp_path: Path, line: bytes, words: bytes) -> None:
    assert words in run(module, line, tmp_path)


def test_short_memory_gives_a_reply(module: bytes, tmp_path: Path) -> None:
    request = b'{"id":1,"jsonrpc":"2.0","method":"tools/call","params":{"name":"greet","arguments":{"name":"' + b"a" * 900000 + b'"}}}'
    assert run(module, request, tmp_path, memory=2 * 1024 * 1024).endswith(b'"error":{"code":-32603,"message":"out of memory"}}\n')


def test_the_module_is_small_and_asks_for_little(module: bytes) -> None:
    wasmtime = pytest.importorskip("wasmtime")
    found = wasmtime.Module(wasmtime.Engine(), module)
    assert {item.module for item in found.imports} == {"wasi_snapshot_preview1"}
    assert {item.name for item in found.exports} == {"_start", "memory"}
    memory = next(item.type for item in found.exports if item.name == "memory")
    assert memory.limits.min * 65536 < 1024 * 1024
    assert len(module) < 32 * 1024


def test_a_deep_recursion_ends_in_a_trap_and_not_in_the_data(zig_cache: str, tmp_path: Path) -> None:
    wasmtime = pytest.importorskip("wasmtime")
    source = "static int f(volatile int *p) { volatile int a[999]; a[0] = *p; return f(a) + a[0]; } int main(void) { int x = 1; return f(&x); }"
    module = compile_project(project_of(tmp_path, {"src/a.c": source}, flags=("-Wno-infinite-recursion",)), progress=quiet, cache=zig_cache).module
    with pytest.raises(wasmtime.Trap, match="out of bounds"):
        run(module, b"", tmp_path)


# --- reproducible

PATHS = {
    "src/b.c": '#include <assert.h>\n#include "h.h"\n#include <stdio.h>\nint main(int n, char **v) { (void)v; assert(n < 9); return puts(place) + puts(__FILE__); }\n',
    "src/a.c": "int unused(void) { return 1; }\n",
    "include/h.h": "static const char *place = __FILE__;\n",
}


@pytest.mark.skipif(os.name != "posix", reason="umask and time zones are those of POSIX")
def test_the_same_bytes_whatever_the_surroundings(hello: Path, module: bytes, zig_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folder, environment, umask, time zone, locale, file times and a cold cache of the compiler's objects."""
    plain = compile_project(project_of(tmp_path / "one", PATHS, include=("include",)), progress=quiet, cache=zig_cache).module
    odd = tmp_path / "an öther folder" / "deep" / "er"
    shutil.copytree(hello, odd / "hello")
    for name in ("TZ", "LC_ALL", "CPATH", "C_INCLUDE_PATH", "CFLAGS", "SOURCE_DATE_EPOCH", "ZIG_LIB_DIR", "HOME", "PATH", "PYTHONHASHSEED"):
        monkeypatch.setenv(name, "/nowhere" if name != "TZ" else "Pacific/Apia")
    monkeypatch.chdir(odd)
    before = os.umask(0o077)
    try:
        assert compile_project(read_project("hello"), progress=quiet, cache=zig_cache).module == module
        made = project_of(odd / "two", PATHS, include=("include",))
        os.utime(odd / "two" / "src" / "b.c", (1, 1))
        assert compile_project(made, progress=quiet, cache=zig_cache).module == plain
    finally:
        os.umask(before)
    assert run(plain, b"", tmp_path) == b"./include/h.h\n./src/b.c\n"
    assert str(tmp_path).encode() not in plain


@pytest.mark.parametrize("word", ["__DATE__", "__TIME__", "__TIMESTAMP__"])
@pytest.mark.parametrize("flags", [(), ("-Wno-date-time", "-Wno-error=date-time")])
def test_a_time_of_build_is_refused(zig_cache: str, tmp_path: Path, word: str, flags: tuple[str, ...]) -> None:
    made = project_of(tmp_path, {"src/a.c": f"#include <stdio.h>\nint main(void) {{ return puts({word}); }}\n"}, flags=flags)
    with pytest.raises(Refused) as refusal:
        compile_project(made, progress=quiet, cache=zig_cache)
    assert (refusal.value.code, refusal.value.where) == ("project.compile", "src/a.c:2:30")


def test_a_silenced_time_of_build_is_fixed(zig_cache: str, tmp_path: Path) -> None:
    silence = '#pragma clang diagnostic ignored "-Wdate-time"\n'
    source = silence + "#include <stdio.h>\nint main(void) { return puts(__DATE__) + puts(__TIME__) + puts(__TIMESTAMP__); }\n"
    module = compile_project(project_of(tmp_path, {"src/a.c": source}), progress=quiet, cache=zig_cache).module
    assert run(module, b"", tmp_path) == b"Jan  1 1980\n00:00:00\nTue Jan  1 00:00:00 1980\n"


def test_the_table_of_compilers_is_in_the_docs() -> None:
    text = (DOCS / "how-to" / "first-tool-c.md").read_text()
    for note in COMPILERS:
        answer = {True: "yes", False: "no", None: "not tested"}[note.reproducible]
        assert f"| {note.name} | {answer} | {note.why} |" in text


# --- mistakes


@pytest.mark.parametrize(
    ("source", "where", "words"),
    [
        ("int main(void) {\n  return missing;\n}\n", "src/a.c:2:10", "missing"),
        ("#include <nothing.h>\n", "src/a.c:1:10", "nothing.h"),
        ("int absent(void); int main(void) { return absent(); }\n", "", "absent"),
        ("int main(void) { return \x1b[31m; }\n", "src/a.c:1:25", "1 error"),
        ("#include <sys/socket.h>\n#include <thread_of_nobody.h>", "src/a.c:2:10", "not found"),
    ],
)
def test_mistakes_are_shown_with_their_place(zig_cache: str, tmp_path: Path, source: str, where: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        compile_project(project_of(tmp_path, {"src/a.c": source}), progress=quiet, cache=zig_cache)
    assert (refusal.value.code, refusal.value.where) == ("project.compile", where)
    assert words in refusal.value.message
    assert "\x1b" not in refusal.value.message
    assert "mpp-build-" not in refusal.value.message
    assert str(tmp_path) not in refusal.value.message


def test_the_compilers_words_are_bounded(zig_cache: str, tmp_path: Path) -> None:
    source = "".join(f"int f{i}(void) {{ return {'m' * 900}{i}; }}\n" for i in range(200))
    with pytest.raises(Refused) as refusal:
        compile_project(project_of(tmp_path, {"src/a.c": source}), progress=quiet, cache=zig_cache)
    assert len(refusal.value.message) < limits.COMPILER_OUTPUT_MAX + 200
    assert refusal.value.message.endswith("(more left out)")


def test_warnings_are_passed_on(zig_cache: str, tmp_path: Path) -> None:
    said: list[str] = []
    made = project_of(tmp_path, {"src/a.c": "int main(void) { int unused; return 0; }\n"}, flags=("-Wall",))
    assert compile_project(made, progress=said.append, cache=zig_cache).module.startswith(b"\0asm")
    assert "compiling 1 C file" in said
    assert any("unused" in line for line in said)


def test_the_template_compiles_without_a_word(hello: Path, zig_cache: str) -> None:
    found = read_project(str(hello))
    strict = BuildSettings(language="c", given={**found.settings.given, "flags": (*found.settings.texts("flags"), "-Werror")})
    said: list[str] = []
    compile_project(Project(root=found.root, manifest_path=found.manifest_path, settings=strict), progress=said.append, cache=zig_cache)
    assert said[-1] == "compiling 2 C files"


@pytest.mark.parametrize(
    ("files", "settings", "code"),
    [
        ({}, {"language": ""}, "project.language"),
        ({}, {}, "project.sources"),
        ({"src/a.o": "x"}, {"sources": ("src/*",)}, "project.sources"),
        ({"src/a.c": "x"}, {"include": ("include",)}, "project.include"),
        ({"src/a.c": "x"}, {"include": ("src/a.c",)}, "project.include"),
        ({"src/a.c": "x"}, {"include": ("out",)}, "project.include"),
    ],
)
def test_a_project_that_cannot_be_compiled(zig_cache: str, tmp_path: Path, files: dict[str, str], settings: dict[str, object], code: str) -> None:
    made = project_of(tmp_path, files, **settings)
    (tmp_path / "out").symlink_to("/")
    with pytest.raises(Refused) as refusal:
        compile_project(made, progress=quiet, cache=zig_cache)
    assert refusal.value.code == code


def test_for_the_provenance(hello: Path, zig_cache: str) -> None:
    found = read_project(str(hello))
    assert compile_project(found, progress=quiet, cache=zig_cache).inputs == ("include/mpp.h", "src/main.c", "src/mpp.c")
    assert not [part for part in compiler_arguments(found) if os.path.isabs(part)]
    assert {"-Werror=date-time", "./src/main.c", "-std=c11", "-Os"} < set(compiler_arguments(found))
    assert set(compiler_tools()) == {"ziglang"}


# --- a project from elsewhere

LANDLOCK = bool(confined.landlock_version())
TEMPLATE_OF_PRIVATE = "id = 'private'; int main(void) { return 0; }\n"
EMBED = '#pragma clang diagnostic ignored "-Wc23-extensions"\nstatic const char t[] = {\n#embed %s\n};\nint main(void) { return t[0]; }\n'
READS = [
    (EMBED % '"@/private"', {}),
    (EMBED % '"../../private"', {}),
    ('#define A "@/priv"\n#define HERE "@/private"\n' + EMBED % "HERE", {}),
    ('#include "@/private"\nint main(void) { return 0; }\n', {}),
    ('#include "../../private"\nint main(void) { return 0; }\n', {}),
    ('#if __has_include("@/private")\n#endif\nint main(void) { return 0; }\n', {}),
    (EMBED % '"../include/PRIVATE"', {}),
    ("#include PRIVATE\nint main(void) { return 0; }\n", {"flags": ('-DPRIVATE="@/private"',)}),
]
HIDDEN = [
    (EMBED % '"../.env"', "project.outside"),
    (EMBED % '"../.git/config"', "project.outside"),
    (EMBED % '"../link"', "project.outside"),
    (EMBED % '"../inner"', "project.link"),
    (EMBED % '"../folder/config"', "project.outside"),
    ('#include "../a\\b"\nint main(void) { return 0; }\n', "project.path"),
    ('#include "../.env"\nint main(void) { return 0; }\n', "project.outside"),
]


def hostile(folder: Path, source: str, **settings: object) -> Project:
    """A project beside a private file; ``@`` is the folder of both."""
    (folder / "private").write_text(TEMPLATE_OF_PRIVATE)
    flags = tuple(flag.replace("@", str(folder)) for flag in settings.pop("flags", ()))  # type: ignore[attr-defined]
    made = project_of(folder / "p", {"src/a.c": source.replace("@", str(folder)), "include/h.h": ""}, flags=flags, **settings)
    (folder / "p/include/PRIVATE").symlink_to("../../private")
    return made


def unconfined(command: list[str], **_: object) -> list[str]:
    return command


@pytest.mark.parametrize("barrier", ["landlock", "list"])
@pytest.mark.parametrize(("source", "settings"), READS)
def test_no_file_outside_of_the_project_is_read(
    zig_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, settings: dict[str, object], barrier: str
) -> None:
    """Each barrier alone holds: without Landlock the list of inputs refuses, with it the compiler reads nothing to begin with."""
    if barrier == "list":
        monkeypatch.setattr(running, "command_line", unconfined)
    elif not LANDLOCK:
        pytest.skip("this system has no Landlock")
    with pytest.raises(Refused) as refusal:
        compile_project(hostile(tmp_path, source, **settings), progress=quiet, cache=zig_cache)
    assert refusal.value.code == ("project.outside" if barrier == "list" else "project.compile")
    assert "id = 'private'" not in refusal.value.message
    assert barrier == "list" or "ermission denied" in refusal.value.message or "may not be read" in refusal.value.message


@pytest.mark.parametrize(("source", "code"), HIDDEN)
def test_hidden_files_and_links_of_the_project_are_not_read(zig_cache: str, tmp_path: Path, source: str, code: str) -> None:
    made = project_of(tmp_path, {"src/a.c": source, ".env": "private", ".git/config": "private", "plain": "x", "a\\b": "x"})
    for name, target in (("link", ".env"), ("inner", "plain"), ("folder", ".git")):
        (tmp_path / name).symlink_to(target)
    with pytest.raises(Refused) as refusal:
        compile_project(made, progress=quiet, cache=zig_cache)
    assert refusal.value.code == code
    assert "private" not in refusal.value.message


@pytest.mark.parametrize("source", [
    '__asm__(".incbin \\"@/private\\"");\nint main(void) { return 0; }\n',
    'int main(void) { __asm__ volatile(".incbin \\"@/private\\""); return 0; }\n',
    '#define J(a, b) a##b\nJ(__as, m__)(".inc" "lude \\"@/private\\"");\nint main(void) { return 0; }\n',
])  # fmt: skip
def test_assembly_is_not_compiled(zig_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(running, "command_line", unconfined)
    with pytest.raises(Refused, match="inline assembly is disabled"):
        compile_project(hostile(tmp_path, source), progress=quiet, cache=zig_cache)


def test_what_a_project_may_read_is_listed(zig_cache: str, tmp_path: Path) -> None:
    source = '#include <stdio.h>\n#include "../odd $h #.h"\n#include "h.h"\n' + EMBED % '"../data/t.bin"'
    files = {"src/a.c": source + '__asm__("");', "src/b.c": "int b;", "odd $h #.h": "", "include/h.h": "", "include/unused.h": "", "data/t.bin": "12"}
    made = project_of(tmp_path, files, include=("include",))
    assert compile_project(made, progress=quiet, cache=zig_cache).inputs == ("data/t.bin", "include/h.h", "odd $h #.h", "src/a.c", "src/b.c")


PROBES = ["cat @/private", "ls @", "echo x > @/p/new", "echo x > @/new", "rm @/p/src/a.c"]


@pytest.mark.skipif(not LANDLOCK, reason="this system has no Landlock")
@pytest.mark.parametrize("probe", PROBES)
def test_the_compiler_is_confined(zig_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probe: str) -> None:
    (tmp_path / "compiler").mkdir()
    compiler = fake(tmp_path / "compiler", "PATH=/usr/bin:/bin\nset -e\nread x < src/a.c\n" + probe.replace("@", str(tmp_path)))
    monkeypatch.setattr(subject, "_find_zig", lambda: compiler)
    monkeypatch.setattr(subject, "_SYSTEM", SYSTEM)
    with pytest.raises(HostFailed, match="ermission denied"):
        compile_project(hostile(tmp_path, "x\n"), progress=quiet, cache=str(tmp_path / "cache"))


@pytest.mark.skipif(os.name != "posix", reason="limits are those of POSIX")
@pytest.mark.parametrize(("letter", "wanted"), [("t", str(limits.COMPILE_CPU_SECONDS_MAX)), ("v", str(limits.COMPILE_MEMORY_BYTES_MAX // 1024))])
def test_the_compiler_is_limited(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, letter: str, wanted: str) -> None:
    compiler = fake(tmp_path, LISTS + f'for last; do :; done; ulimit -{letter} > "$last"')
    monkeypatch.setattr(subject, "_find_zig", lambda: compiler)
    monkeypatch.setattr(subject, "_SYSTEM", SYSTEM)
    assert compile_project(read_project(str(hello)), progress=quiet, cache=str(tmp_path / "cache")).module.decode().strip() == wanted


# --- the machine


def test_a_missing_compiler(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(HostFailed) as failure:
        compile_project(read_project(str(hello)), progress=quiet)
    assert (failure.value.code, failure.value.hint) == ("host.compiler_missing", "mpp toolchain install c")


def test_an_installation_without_its_compiler(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path / "none"))
    (tmp_path / "ziglang").mkdir()
    (tmp_path / "ziglang" / "__init__.py").write_text("")
    monkeypatch.delitem(sys.modules, "ziglang", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(HostFailed, match=r"host\.compiler_missing"):
        compile_project(read_project(str(hello)), progress=quiet)


def test_an_installation_without_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path))
    monkeypatch.setattr(sys, "path", [])
    assert compiler_tools() == {}


def test_a_module_in_the_projects_folder_is_not_run(hello: Path, zig_cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "hello"
    shutil.copytree(hello, copy)
    (copy / "ziglang").mkdir()
    for name in ("ziglang.py", "ziglang/__init__.py"):
        (copy / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    fake(copy / "ziglang", f"touch {tmp_path / 'ran'}")
    monkeypatch.chdir(copy)
    monkeypatch.setattr(sys, "path", ["", str(copy), *sys.path])
    compile_project(read_project("."), progress=quiet, cache=zig_cache)
    assert not (tmp_path / "ran").exists()


FAILURES = [
    ("kill -9 $$", "host.compiler_failed", "status -9"),
    ("echo odd; exit 3", "host.compiler_failed", "odd"),
    ("exit 0", "host.compiler_failed", "left no module"),
    ("for last; do :; done; echo > $last", "project.compile", "may not be read"),
    ("echo 'src/a.c:1:2: error: x'; echo 'src/b.c:3: error: y'; exit 1", "project.compile", "2 errors"),
    ("for last; do :; done; head -c 2000 /dev/zero > $last", "project.module_size", "over 1000"),
    ("sleep 600 & echo on; sleep 600", "project.compile_time", "1 seconds"),
]


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
@pytest.mark.parametrize(("script", "code", "words"), FAILURES)
def test_a_compiler_that_fails(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: str, words: str) -> None:
    compiler = fake(tmp_path, "PATH=/usr/bin:/bin\n" + script)
    monkeypatch.setattr(subject, "_find_zig", lambda: compiler)
    monkeypatch.setattr(subject, "_SYSTEM", SYSTEM)
    monkeypatch.setattr(subject, "MODULE_BYTES_MAX", 1000)
    monkeypatch.setattr(subject, "COMPILE_SECONDS_MAX", 1 if "sleep" in script else 120)
    begin = time.monotonic()
    with pytest.raises((Refused, HostFailed)) as failure:
        compile_project(read_project(str(hello)), progress=quiet, cache=str(tmp_path / "cache"))
    assert failure.value.code == code
    assert words in failure.value.message
    assert "sleep" not in script or time.monotonic() - begin < 60, "its children are ended with it"


def test_a_compiler_that_does_not_start(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "_find_zig", lambda: str(tmp_path / "absent"))
    with pytest.raises(HostFailed, match=r"host\.compiler_failed"):
        compile_project(read_project(str(hello)), progress=quiet, cache=str(tmp_path / "cache"))


SHOW = LISTS + 'for last; do :; done; { /usr/bin/env; umask; pwd; } > "$last"'


@pytest.mark.skipif(os.name != "posix", reason="the stand-in is a shell script")
def test_the_compiler_gets_a_clean_environment(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = fake(tmp_path, SHOW)
    monkeypatch.setattr(subject, "_find_zig", lambda: compiler)
    monkeypatch.setattr(subject, "_SYSTEM", SYSTEM)
    monkeypatch.setenv("API_" + "TOKEN", "private")
    shown = compile_project(read_project(str(hello)), progress=quiet, cache=str(tmp_path / "cache")).module.decode()
    names = {line.partition("=")[0] for line in shown.splitlines() if "=" in line} - {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names == {"ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "HOME", "LC_ALL", "TZ", "SOURCE_DATE_EPOCH", "TMPDIR", "TMP", "TEMP"}
    assert f"ZIG_GLOBAL_CACHE_DIR={tmp_path / 'cache'}\n" in shown
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("in_the_way", ["file/x", "/proc/nothing"])
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the stand-in is a shell script, the read-only folder is /proc")
def test_a_cache_that_cannot_be_written_is_replaced(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_the_way: str) -> None:
    (tmp_path / "file").write_text("")
    compiler = fake(tmp_path, SHOW)
    monkeypatch.setattr(subject, "_find_zig", lambda: compiler)
    monkeypatch.setattr(subject, "_SYSTEM", SYSTEM)
    said: list[str] = []
    shown = compile_project(read_project(str(hello)), progress=said.append, cache=os.path.join(tmp_path, in_the_way)).module.decode()
    used = next(line for line in shown.splitlines() if line.startswith("ZIG_GLOBAL_CACHE_DIR="))
    assert "mpp-build-" in used
    assert "takes" not in used
    assert said[0].startswith("preparing the C library")
    assert not os.path.exists(used.partition("=")[2]), "nothing is left behind"


def test_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ada")
    assert default_cache() == "/var/cache/ada/mpp/zig"
    for name in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", name)
        assert default_cache() == "/home/ada/.cache/mpp/zig"
