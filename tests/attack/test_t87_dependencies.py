"""T87, dependencies of a Python tool: a name that somebody else took, a file that changed, a wheel that leads out, runs code or is a bomb."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.author.languages import python_files
from mpp.author.vendoring import wheels
from mpp.author.vendoring.fetching import Pip, fetch, lock
from mpp.author.vendoring.locking import lock_project
from mpp.author.vendoring.requirements import Pin, read_asked, read_lock, write_lock
from mpp.author.vendoring.wheels import unpack
from mpp.errors import MppError, Refused


def wheel(files: Mapping[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def pin(data: bytes, name: str = "lib", version: str = "1.0") -> Pin:
    return Pin(name=name, version=version, hashes=(sha256(data).hexdigest(),))


class Index:
    """pip with an index in memory: which files it gives, and what it was asked."""

    def __init__(self, files: Mapping[str, bytes], *, status: int = 0, said: str = "") -> None:
        self.files, self.status, self.said = files, status, said
        self.asked: list[list[str]] = []
        self.lines: list[str] = []

    def __call__(self, command: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        self.asked.append(command)
        self.lines.append(Path(command[command.index("-r") + 1]).read_text())
        if self.status == 0 and "-d" in command:
            folder = Path(command[command.index("-d") + 1])
            for name, data in self.files.items():
                (folder / name).write_bytes(data)
        return self.status, self.said


def pip(files: Mapping[str, bytes], **more: object) -> tuple[Pip, Index]:
    index = Index(files, **more)  # type: ignore[arg-type]
    return Pip(env={}, run=index), index


def quiet(_: str) -> None:
    """Nobody watches."""


GOOD = wheel({"lib/__init__.py": "x = 1\n", "lib-1.0.dist-info/METADATA": "Name: lib\nLicense: MIT\n"})


# --- what a project may ask for

HOSTILE = [
    "--index-url https://evil.example/simple", "--extra-index-url https://evil.example", "-i https://evil.example", "--find-links .", "-e .", "-r other.txt", "./lib", "../lib",
    "lib @ https://evil.example/lib.whl", "git+https://evil.example/lib", "https://evil.example/lib-1.0-py3-none-any.whl", "file:///etc/passwd", "lib --hash=sha256:00",
    "lib==1.0 --global-option=x", "lib\\", "lib==1.0\x00", "lib;\x1b[31m", "--pre", "@file", "$(id)", "`id`", "lib[", "x" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE)
def test_a_requirement_names_no_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(line + "\n")
    with pytest.raises(Refused, match=r"project\.dependency"):
        read_asked(str(tmp_path))


@pytest.mark.parametrize("line", HOSTILE)
def test_neither_does_pyproject(tmp_path: Path, line: str) -> None:
    text = "".join(f"\\u{ord(c):04x}" for c in line)
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{text}"]\n')
    with pytest.raises(Refused, match=r"project\.dependency|project\.toml"):
        read_asked(str(tmp_path))


def test_the_name_of_the_sdk_is_never_fetched(tmp_path: Path) -> None:
    """Somebody may hold that name on an index."""
    (tmp_path / "requirements.txt").write_text("mpp-sdk\nMPP_SDK>=1\nlib\n")
    assert read_asked(str(tmp_path)).lines == ("lib",)
    runner, _ = pip({"lib-1.0-py3-none-any.whl": GOOD, "mpp_sdk-9.9-py3-none-any.whl": wheel({"mpp_sdk/__init__.py": "evil"})})
    assert [one.name for one in lock(read_asked(str(tmp_path)), str(tmp_path), runner, quiet)] == ["lib"]


def test_pip_is_asked_for_files_that_run_anywhere_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lib>=1\n")
    runner, index = pip({"lib-1.0-py3-none-any.whl": GOOD})
    lock(read_asked(str(tmp_path)), str(tmp_path), runner, quiet)
    assert {"-I", "--only-binary=:all:", "--platform=any", "--abi=none"} <= set(index.asked[0])
    assert index.lines == ["lib>=1\n"]


def test_a_source_distribution_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lib\n")
    runner, _ = pip({"lib-1.0.tar.gz": b"x"})
    assert lock(read_asked(str(tmp_path)), str(tmp_path), runner, quiet) == ()


@pytest.mark.parametrize(
    "file", ["lib-1.0-cp313-cp313-manylinux_2_28_x86_64.whl", "lib-1.0-py3-none-linux_x86_64.whl", "lib-1.0-cp313-none-any.whl", "lib.whl"]
)
def test_a_wheel_for_one_machine_is_not_taken(tmp_path: Path, file: str) -> None:
    (tmp_path / "requirements.txt").write_text("lib\n")
    runner, _ = pip({file: GOOD})
    with pytest.raises(Refused, match=r"project\.native"):
        lock(read_asked(str(tmp_path)), str(tmp_path), runner, quiet)


# --- the lock


def locked(folder: Path, data: bytes, asked: str = "lib\n") -> tuple[Pin, ...]:
    (folder / "requirements.txt").write_text(asked)
    (folder / "requirements.lock").write_bytes(write_lock(read_asked(str(folder)), (pin(data),)))
    return read_lock(str(folder), read_asked(str(folder)))


def test_without_a_lock_nothing_is_built(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lib\n")
    with pytest.raises(Refused, match=r"project\.lock") as refusal:
        read_lock(str(tmp_path), read_asked(str(tmp_path)))
    assert "mpp build --lock" in refusal.value.hint


def test_a_lock_for_other_requirements_is_old(tmp_path: Path) -> None:
    locked(tmp_path, GOOD)
    (tmp_path / "requirements.txt").write_text("lib\nevil\n")
    with pytest.raises(Refused, match="other dependencies"):
        read_lock(str(tmp_path), read_asked(str(tmp_path)))


@pytest.mark.parametrize("line", [
    "lib==1.0", "lib>=1.0 --hash=sha256:" + "0" * 64, "lib==1.0 --hash=md5:" + "0" * 32, "lib==1.0 --hash=sha256:00", "-e .", "--index-url https://evil.example",
    "lib==1.0 --hash=sha256:" + "0" * 64 + " --index-url https://evil.example", "lib==1.0 --hash=sha256:" + "0" * 64 + "\nLIB==2.0 --hash=sha256:" + "1" * 64,
    "mpp-sdk==1.0 --hash=sha256:" + "0" * 64, "lib @ https://evil.example/x.whl --hash=sha256:" + "0" * 64,
])  # fmt: skip
def test_a_line_of_a_lock_is_a_version_with_hashes(tmp_path: Path, line: str) -> None:
    locked(tmp_path, GOOD)
    head = (tmp_path / "requirements.lock").read_text().rpartition("lib==")[0]
    (tmp_path / "requirements.lock").write_text(head + line + "\n")
    with pytest.raises(Refused, match=r"project\.lock"):
        read_lock(str(tmp_path), read_asked(str(tmp_path)))


def test_another_file_under_the_locked_name(tmp_path: Path) -> None:
    """The index, or whoever stands before it, gives a file with other contents."""
    pins = locked(tmp_path, GOOD)
    runner, index = pip({"lib-1.0-py3-none-any.whl": wheel({"lib/__init__.py": "evil"})})
    with pytest.raises(Refused, match=r"project\.lock"):
        fetch(pins, str(tmp_path), runner, quiet)
    assert "--require-hashes" in index.asked[0]


def test_a_file_of_the_cache_that_somebody_changed(tmp_path: Path) -> None:
    pins = locked(tmp_path, GOOD)
    (tmp_path / f"{pins[0].hashes[0]}.whl").write_bytes(b"evil")
    runner, index = pip({"lib-1.0-py3-none-any.whl": GOOD})
    assert fetch(pins, str(tmp_path), runner, quiet) == {"lib": GOOD}
    assert len(index.asked) == 1, "it was fetched anew"
    assert fetch(pins, str(tmp_path), runner, quiet) == {"lib": GOOD}
    assert len(index.asked) == 1, "and then taken from the cache"


def test_hashes_are_compared_once_more_where_it_counts() -> None:
    with pytest.raises(Refused, match=r"project\.lock"):
        unpack(GOOD, Pin(name="lib", version="1.0", hashes=("0" * 64,)))


# --- what a wheel may hold


@pytest.mark.parametrize("name", [
    "../evil.py", "lib/../../evil.py", "/etc/evil.py", "lib\\..\\evil.py", "C:/evil.py", "lib/con.py", "lib/é.py", "lib/ evil.py", "lib/x\n.py", "lib/" + "a" * 300 + ".py",
    "lib-1.0.data/purelib/../../evil.py",
])  # fmt: skip
def test_a_name_stays_inside(name: str) -> None:
    data = wheel({"lib/__init__.py": "", name: "evil"})
    with pytest.raises(Refused, match=r"project\.wheel"):
        unpack(data, pin(data))


@pytest.mark.parametrize("name", ["evil.pth", "lib-1.0.data/purelib/evil.pth"])
def test_nothing_changes_how_python_starts(name: str) -> None:
    data = wheel({name: "import evil"})
    with pytest.raises(Refused, match="changes how Python starts"):
        unpack(data, pin(data))


@pytest.mark.parametrize("name", ["lib/fast.so", "lib/fast.cpython-313-x86_64-linux-gnu.so", "lib/fast.pyd", "lib/libfast.dylib", "lib/fast.wasm"])
def test_native_code_is_refused_by_name(name: str) -> None:
    data = wheel({name: b"\x7fELF"})
    with pytest.raises(Refused, match=r"project\.native") as refusal:
        unpack(data, pin(data, name="numpy"))
    assert "statistics" in refusal.value.hint


def test_programs_and_headers_are_left_out() -> None:
    data = wheel(
        {
            "lib/__init__.py": "",
            "lib-1.0.data/scripts/lib": "#!python\nevil",
            "lib-1.0.data/data/etc/profile": "evil",
            "lib-1.0.data/purelib/more.py": "",
            "lib/x.pyc": b"evil",
        }
    )
    found = unpack(data, pin(data))
    assert set(found.files) == {"lib/__init__.py", "more.py"}
    assert len(found.warnings) == 1


def test_a_link_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        item = zipfile.ZipInfo("lib/link.py")
        item.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(item, "/etc/passwd")
    with pytest.raises(Refused, match=r"project\.wheel"):
        unpack(out.getvalue(), pin(out.getvalue()))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("lib.py", "good")
        archive.writestr("lib.py", "evil")
    with pytest.raises(Refused, match="there twice"):
        unpack(out.getvalue(), pin(out.getvalue()))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "SOURCES_BYTES_MAX", 100_000)
    data = wheel({f"lib/{at}.py": b"\n" * 30_000 for at in range(4)})
    assert len(data) < 5_000
    with pytest.raises(Refused, match=r"project\.wheel"):
        unpack(data, pin(data))


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "FILES_MAX", 10)
    data = wheel({f"lib/{at}.py": b"" for at in range(11)})
    with pytest.raises(Refused, match=r"project\.wheel"):
        unpack(data, pin(data))


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip", GOOD[:-10], GOOD[:40] + b"\xff" * 20 + GOOD[60:]])
def test_a_broken_file_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match=r"project\.wheel"):
        unpack(data, pin(data))


def test_one_dependency_brings_the_module_of_another() -> None:
    good, evil = wheel({"lib/__init__.py": "good"}), wheel({"lib/__init__.py": "evil"})
    with pytest.raises(Refused, match="both bring"):
        python_files._libraries((unpack(good, pin(good)), unpack(evil, pin(evil, name="other"))))


@pytest.mark.parametrize("name", ["mpp_sdk/__init__.py", "mpp_sdk.py"])
def test_a_dependency_that_replaces_the_sdk(name: str) -> None:
    data = wheel({name: "evil"})
    with pytest.raises(Refused, match="comes with MPP"):
        python_files._libraries((unpack(data, pin(data)),))


def test_what_cannot_be_packed_is_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "requirements.txt").write_text("lib\n")
    runner, _ = pip({}, status=1, said="no \x1b[31mmatch")
    with pytest.raises(MppError) as refusal:
        lock_project(str(tmp_path), progress=quiet, pip=runner)
    assert refusal.value.code == "project.fetch"
    assert "\x1b" not in refusal.value.message
    assert not os.path.exists(tmp_path / "requirements.lock")
