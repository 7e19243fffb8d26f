"""What somebody meets in the first five minutes who does something else than the guide says: each ends with a word on what to do."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest

from mpp.files import what_helps
from tests.cli.conftest import EXECUTABLE, Mpp

needs_another_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


@pytest.fixture
def project(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in a folder with a blank and letters beyond ASCII."""
    folder = tmp_path / "mein Ordner ü"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert mpp("init", "hello", "--lang", "wat").code == 0
    monkeypatch.chdir(folder / "hello")
    return folder / "hello"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("hlep",), 2, "did you mean 'help'?"),
        (("instal", "x"), 2, "did you mean 'install'?"),
        (("init", "My Tool!"), 3, "for example: mpp init my-tool"),
        (("init", "x", "--lang", "pyton"), 3, "did you mean 'python'?"),
        (("build",), 3, "mpp init NAME"),
        (("verify",), 2, "go to the folder that `mpp init` made"),
        (("verify", "gone.mpp"), 2, "mpp list"),
        (("connect", "claude-cod"), 2, "did you mean 'claude-code'?"),
        (("keygen", "-o", "k"), 2, "--passphrase-file FILE, or --no-passphrase"),
        (("search", "hello"), 41, "mpp registry add"),
        (("audit", "verify"), 27, "it begins with the first call"),
        (("help", "nonsense"), 2, "`mpp help` lists the topics"),
        (("run", "--args", "{name: Ada}", "gone.mpp"), 21, "mend the JSON syntax at that place"),
    ],
)
def test_a_slip_ends_with_the_next_step(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    answer = mpp(*words)
    assert (answer.code, said in answer.err, "Traceback" in answer.err) == (code, True, False), answer.err


@pytest.mark.parametrize("name", ["notes.txt", "tool.py", "page.html"])
def test_a_file_that_is_no_package_is_named_as_one(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("print(1)\n")
    answer = mpp("run", name)
    assert (answer.code, "give the path of a .mpp file" in answer.err) == (11, True)


def test_windows_line_ends_and_a_folder_of_an_odd_name_are_no_fault(mpp: Mpp, project: Path) -> None:
    for path in (project / "manifest.json", project / "mpp.toml", *(project / "src").iterdir()):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert mpp("build").code == 0
    (project / "args.json").write_bytes(b'{"name": "Ada"}\r\n')
    answer = mpp("run", "--args", "@args.json")
    assert (answer.code, "Ada" in answer.out) == (0, True), answer.err


def test_the_settings_of_clients_end_with_the_next_step(mpp: Mpp) -> None:
    assert "Connect one: mpp connect NAME" in mpp("connect").err


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "make room"), (errno.EDQUOT, "make room"), (errno.EROFS, "MPP_HOME"), (errno.EACCES, "MPP_HOME"), (errno.ENOENT, "exists")],
)
def test_what_helps_is_about_what_happened(number: int, said: str) -> None:
    assert said in what_helps(OSError(number, os.strerror(number)))


def test_a_home_that_cannot_be_made_is_named(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file where the home should be: so it is for root, too."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "file" / "home"))
    answer = mpp("keygen", "--no-passphrase", "--name", "Ada")
    assert answer.code == 1
    assert str(tmp_path / "file") in answer.err
    assert "hint:" in answer.err


@needs_another_user
def test_a_home_that_cannot_be_written_to_names_the_way_out(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ro").mkdir(mode=0o555)
    monkeypatch.setenv("MPP_HOME", str(tmp_path / "ro" / "home"))
    assert "MPP_HOME names another one" in mpp("keygen", "--no-passphrase", "--name", "Ada").err


def surroundings(home: Path, **changes: str) -> dict[str, str]:
    return {**os.environ, "HOME": str(home), "MPP_HOME": str(home / ".mpp"), **changes}


@pytest.mark.parametrize("changes", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}, {"COLUMNS": "20"}])
def test_a_poor_terminal_loses_no_word(tmp_path: Path, changes: dict[str, str]) -> None:
    done = subprocess.run(
        [*EXECUTABLE, "verify", "gönne.mpp"], env=surroundings(tmp_path, **changes), cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert b"usage.no_file" in done.stderr
    assert b"Traceback" not in done.stderr


def test_without_home_the_home_of_the_user_is_meant(tmp_path: Path) -> None:
    kept = {name: text for name, text in surroundings(tmp_path).items() if name not in {"HOME", "MPP_HOME"}}
    done = subprocess.run([*EXECUTABLE, "verify", "gone.mpp"], env=kept, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


@pytest.mark.parametrize("words", [("registry", "serve", "--port", "0"), ("console", "--no-open", "--port", "0")])
def test_ctrl_c_ends_a_server_at_once_and_well(tmp_path: Path, words: tuple[str, ...]) -> None:
    pytest.importorskip("mpp_registry", reason="the registry is not installed")
    process = subprocess.Popen(
        [*EXECUTABLE, *words], env=surroundings(tmp_path), cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no other thread runs here
    )  # fmt: skip
    assert process.stdout is not None
    assert "http://127.0.0.1:" in process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, left = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in left) == (0, False), left
