from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mpp.author import limits, project
from mpp.author.project import BuildSettings, find_project, matching_files, read_project
from mpp.errors import MppError, Refused
from mpp.testing.packages import files


def make(folder: Path, toml: str | bytes | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_bytes(files()["manifest.json"])
    if toml is not None:
        (folder / "mpp.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return folder


def build(line: str, *, sources: str = 'sources = ["src/*.c"]') -> str:
    return f'[build]\nlanguage = "c"\n{sources}\n{line}\n'


def faults(folder: Path) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refusal:
        read_project(str(folder))
    return [(fault.code, fault.where) for fault in refusal.value.faults]


def test_limits_agree_with_those_of_the_archive() -> None:
    from mpp.stages.archive import limits as archive_limits

    assert limits.FILES_MAX == archive_limits.ENTRIES_MAX
    assert limits.MODULE_BYTES_MAX == archive_limits.FILE_BYTES_MAX


# --- finding


@pytest.mark.parametrize("file", ["mpp.toml", "manifest.json"])
@pytest.mark.parametrize("start", [".", "a", "a/b/c"])
def test_a_project_is_found_upwards(tmp_path: Path, file: str, start: str) -> None:
    root = make(tmp_path / "p", "")
    (root / start).mkdir(parents=True, exist_ok=True)
    found = find_project(str(root / start))
    assert found is not None
    assert (found.root, found.manifest_path) == (str(root), str(root / "manifest.json"))


def test_the_nearest_project_wins(tmp_path: Path) -> None:
    make(tmp_path)
    inner = make(tmp_path / "a" / "inner")
    found = find_project(str(inner))
    assert found is not None
    assert found.root == str(inner)


def test_no_project(tmp_path: Path) -> None:
    assert find_project(str(tmp_path)) is None
    assert find_project(str(tmp_path / "absent")) is None


def test_a_shared_folder_gives_no_project_to_those_below(tmp_path: Path) -> None:
    shared = make(tmp_path / "shared")
    (shared / "mine").mkdir()
    shared.chmod(0o1777)
    assert find_project(str(shared / "mine")) is None
    assert find_project(str(shared)) is not None
    shared.chmod(0o755)
    assert find_project(str(shared / "mine")) is not None


def test_a_manifest_is_needed(tmp_path: Path) -> None:
    (tmp_path / "mpp.toml").write_text("")
    assert faults(tmp_path) == [("project.no_manifest", str(tmp_path))]


# --- settings


def test_without_settings_a_ready_module_is_packed(tmp_path: Path) -> None:
    assert read_project(str(make(tmp_path))).settings == BuildSettings()
    assert read_project(str(make(tmp_path, ""))).settings == BuildSettings()
    assert read_project(str(make(tmp_path, "[build]"))).settings == BuildSettings(assets=("README.md", "assets/**"))


def test_settings_are_read(tmp_path: Path) -> None:
    found = read_project(str(make(tmp_path, build('include = ["include", "lib/x"]\nflags = ["-Wall", "-lm"]\nassets = []')))).settings
    assert found == BuildSettings(language="c", given={"sources": ("src/*.c",), "include": ("include", "lib/x"), "flags": ("-Wall", "-lm")}, assets=())


BAD_SETTINGS = [
    ("[build", "project.toml", ""),
    ("x = " + "9" * 5000, "project.toml", ""),
    (".".join(["a"] * (limits.SETTINGS_DOTS_MAX + 2)) + " = 1", "project.toml", ""),
    ("[" + ".".join(['"\\"#"'] * (limits.SETTINGS_DOTS_MAX + 2)) + "]", "project.toml", ""),
    ("x = {'#' = 1, " + ".".join(["a"] * (limits.SETTINGS_DOTS_MAX + 2)) + " = 1}", "project.toml", ""),
    ('x = """\n# """', "project.toml", ""),
    ("x = '''\n'''", "project.toml", ""),
    (b"\xff", "project.toml", ""),
    ("a = " + "[" * 5000 + "]" * 5000, "project.toml", ""),
    (b"#" * (limits.SETTINGS_BYTES_MAX + 1), "size.input", ""),
    ("build = 1", "project.type", "/build"),
    ("[build]\nlanguage = 1979-05-27", "project.type", "/build/language"),
    ("[build]\nlanguage = 'cobol'\nsources = ['a.c']", "project.language", "/build/language"),
    ("[build]\nlanguage = 'c'", "project.sources", "/build/sources"),
    ("[build]\nlanguage = 'c'\nsources = []", "project.sources", "/build/sources"),
    ("[biuld]", "project.unknown_key", "/biuld"),
    (build("flag = []"), "project.unknown_key", "/build/flag"),
    (build("", sources="sources = ['../a.c']"), "project.form", "/build/sources/0"),
    (build("", sources="sources = ['/a.c']"), "project.form", "/build/sources/0"),
    (build("", sources="sources = ['-o.c']"), "project.form", "/build/sources/0"),
    (build("", sources="sources = ['a[b].c']"), "project.form", "/build/sources/0"),
    (build("", sources="sources = 'a.c'"), "project.type", "/build/sources"),
    (build("flags = ['-DX=\"é\"']"), "project.flag", "/build/flags/0"),
    (build("flags = ['-DX=a\tb']"), "project.flag", "/build/flags/0"),
    (build("include = ['/usr/include']"), "project.form", "/build/include/0"),
    (build("include = ['a/../..']"), "project.form", "/build/include/0"),
    (build("assets = ['.ssh/*']"), "project.form", "/build/assets/0"),
    (build("flags = ['-Wall', '-Wall']"), "project.duplicate", "/build/flags/1"),
    (build(f"flags = {[f'-DX{i}' for i in range(65)]}"), "project.length", "/build/flags"),
]


@pytest.mark.parametrize(("toml", "code", "where"), BAD_SETTINGS)
def test_bad_settings_are_refused(tmp_path: Path, toml: str | bytes, code: str, where: str) -> None:
    make(tmp_path, toml)
    with pytest.raises(MppError) as refusal:
        read_project(str(tmp_path))
    assert refusal.value.code == code
    assert refusal.value.where.endswith(where or "mpp.toml")
    assert refusal.value.hint


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    make(tmp_path, "top = 1\n" + build("flags = ['-fplugin=x', '-Wall', '@file']\ninclude = [1]"))
    assert sorted(faults(tmp_path)) == [
        ("project.flag", "mpp.toml/build/flags/0"),
        ("project.flag", "mpp.toml/build/flags/2"),
        ("project.type", "mpp.toml/build/include/0"),
        ("project.unknown_key", "mpp.toml/top"),
    ]


def test_dots_in_texts_and_comments_are_free(tmp_path: Path) -> None:
    make(tmp_path, build("# " + "." * 80, sources=f"sources = {[f'a{i}.c' for i in range(40)]}  # ..."))
    assert len(read_project(str(tmp_path)).settings.texts("sources")) == 40


COSTLY = [
    ".".join(["a"] * 99999),
    "[" + ".".join(["a"] * 99999),
    "".join(f"{'.'.join(['a'] * limits.SETTINGS_DOTS_MAX)}.b{i:03} = 1\n" for i in range(9999)),
    "".join(f"[[{'.'.join(['a'] * limits.SETTINGS_DOTS_MAX)}]]\n" for i in range(9999)),
    "[[a]]\n" * 9999,
    '"' + '\\"' * 9999,
    "a = " + "[" * 9999,
    "a = " + "{a = " * 9999,
    "a = " + "9_" * 9999,
    "a = 1." + "9" * 99999,
]


@pytest.mark.parametrize("text", COSTLY)
def test_no_settings_are_slow(tmp_path: Path, text: str) -> None:
    make(tmp_path, text[: limits.SETTINGS_BYTES_MAX])

    def seconds() -> float:
        """What this thread computes, not what others do meanwhile on a busy machine."""
        begin = time.thread_time()
        with pytest.raises(Refused):
            read_project(str(tmp_path))
        return time.thread_time() - begin

    # A processor that a hypervisor takes away is no fault of the settings, and is not away each time.
    assert any(seconds() < 0.2 for _ in range(5))


def test_faults_of_settings_and_manifest_are_named_together(tmp_path: Path) -> None:
    make(tmp_path, "[biuld]")
    (tmp_path / "manifest.json").write_bytes(files({"version": "one", "surprise": 1})["manifest.json"])
    assert {code.partition(".")[0] for code, _ in faults(tmp_path)} == {"project", "manifest"}
    assert faults(tmp_path)[0] == ("project.unknown_key", "mpp.toml/biuld")
    assert len(faults(tmp_path)) == 3


@pytest.mark.parametrize("name", ["manifest.json", "mpp.toml"])
def test_the_documents_are_no_links(tmp_path: Path, name: str) -> None:
    make(tmp_path / "p", "")
    (tmp_path / "p" / name).rename(tmp_path / name)
    (tmp_path / "p" / name).symlink_to(f"../{name}")
    assert faults(tmp_path / "p") == [("project.link", name)]


@pytest.mark.parametrize("flag", [
    "-std=c11", "-std=gnu2x", "-DNAME", '-DNAME="a b"', "-UNAME", "-Wall", "-Wno-unused", "-Werror", "-Wformat=2", "-O3", "-Oz", "-fwrapv",
    "-fno-strict-aliasing", "-msimd128", "-mno-bulk-memory", "-lm", "-lwasi-emulated-mman", "-Wl,-z,stack-size=65536",
])  # fmt: skip
def test_useful_flags_are_allowed(tmp_path: Path, flag: str) -> None:
    make(tmp_path, build(f"flags = ['{flag}']"))
    assert read_project(str(tmp_path)).settings.texts("flags") == (flag,)


@pytest.mark.parametrize("flag", [
    "-fplugin=x.so", "-Xclang", "-load", "-o", "-o/tmp/x", "@args", "-Wl,-rpath=/", "-Wp,-MD,/tmp/x", "-Wa,x", "-I/usr/include", "-isystem", "-include",
    "-MD", "-MF/tmp/x", "-save-temps", "-B/tmp", "-mllvm", "--config=x", "-specs=x", "main.o", "-target", "-g", "-fdebug-prefix-map=a=b", "-O0", "-w",
    "-fprofile-generate=/tmp", "-fmodules-cache-path=/tmp", "-D", "-DX\\nY", "-Wl,-z,stack-size=0", "-l/tmp/x", "-L/tmp", "-E", "-S", "-c", "",
])  # fmt: skip
def test_flags_that_read_write_or_load_are_refused(tmp_path: Path, flag: str) -> None:
    make(tmp_path, build(f'flags = ["{flag}"]'))
    assert faults(tmp_path)[0] in {("project.flag", "mpp.toml/build/flags/0"), ("project.length", "mpp.toml/build/flags/0")}


# --- files


TREE = ["README.md", "a.c", "assets/x.txt", "assets/deep/er/y.txt", "src/main.c", "src/mpp.c", "src/sub/z.c", "src/.hidden.c", ".git/config.c", "src/main.h"]
PATTERNS = [
    (("src/*.c",), ["src/main.c", "src/mpp.c"]),
    (("src/**",), ["src/main.c", "src/main.h", "src/mpp.c", "src/sub/z.c"]),
    (("src/**/*.c",), ["src/main.c", "src/mpp.c", "src/sub/z.c"]),
    (("**/*.c",), ["a.c", "src/main.c", "src/mpp.c", "src/sub/z.c"]),
    (("**",), ["README.md", "a.c", "assets/deep/er/y.txt", "assets/x.txt", "src/main.c", "src/main.h", "src/mpp.c", "src/sub/z.c"]),
    (("**/deep/**",), ["assets/deep/er/y.txt"]),
    (("assets/**", "README.md", "README.md"), ["README.md", "assets/deep/er/y.txt", "assets/x.txt"]),
    (("src/m??.c",), ["src/mpp.c"]),
    (("*",), ["README.md", "a.c"]),
    (("assets",), []),
    (("assets/deep",), []),
    (("README.md/**",), []),
    (("absent/**", "absent.c"), []),
    ((), []),
]


@pytest.mark.parametrize(("patterns", "wanted"), PATTERNS)
def test_patterns(tmp_path: Path, patterns: tuple[str, ...], wanted: list[str]) -> None:
    for name in TREE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    assert list(matching_files(str(tmp_path), patterns)) == wanted


def test_no_pattern_is_slow(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["a" * 20] * 10)
    deep.mkdir(parents=True)
    (deep / ("a" * 90 + ".txt")).write_text("x")
    begin = time.thread_time()
    assert matching_files(str(tmp_path), ("*a" * 40 + "b", "/".join(["**"] * 40) + "/b", "**/" * 30 + "*a" * 30 + ".c")) == ()
    assert time.thread_time() - begin < 30


@pytest.mark.parametrize("name", ["a b.c", "con.c", "é.c", "-x.c", "x'.c"])
def test_unportable_names_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(Refused, match=r"project\.path"):
        matching_files(str(tmp_path), ("*.c",))


@pytest.mark.parametrize(
    ("target", "code"),
    [("../outside.c", "project.link"), ("inside.c", "project.link"), (".hidden/x.c", "project.link"), ("nowhere.c", "project.link"), (".", None)],
)
def test_links(tmp_path: Path, target: str, code: str | None) -> None:
    root = tmp_path / "p"
    root.mkdir()
    (tmp_path / "outside.c").write_text("secret")
    (root / "inside.c").write_text("x")
    (root / "link.c").symlink_to(target)
    if code is None:
        assert matching_files(str(root), ("**",)) == ("inside.c",), "a link to a folder is neither followed nor a file"
    else:
        with pytest.raises(Refused) as refusal:
            matching_files(str(root), ("*.c",))
        assert refusal.value.code == code


@pytest.mark.parametrize("pattern", ["assets/**", "assets/config", "deep/assets/*"])
def test_a_folder_that_is_a_link(tmp_path: Path, pattern: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text("private")
    (tmp_path / "assets").symlink_to(".git")
    (tmp_path / "deep").symlink_to(".")
    with pytest.raises(Refused) as refusal:
        matching_files(str(tmp_path), (pattern,))
    assert refusal.value.code == "project.link"


def test_a_project_below_a_link_or_a_hidden_folder(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.c").write_text("x")
    (tmp_path / "way").symlink_to(".hidden")
    assert matching_files(str(tmp_path / "way"), ("*.c",)) == ("a.c",)


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.c")
    with pytest.raises(Refused, match=r"project\.path"):
        matching_files(str(tmp_path), ("*.c",))


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project, "FILES_MAX", 3)
    for i in range(4):
        (tmp_path / f"{i}.c").write_text("")
    with pytest.raises(Refused, match=r"project\.files"):
        matching_files(str(tmp_path), ("*.c",))
