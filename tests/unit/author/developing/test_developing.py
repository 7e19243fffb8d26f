from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from mpp.author.developing import testing, watching
from mpp.author.developing.hints import lacked_call, lacked_in
from mpp.author.developing.native import python_of, run_native
from mpp.author.developing.testing import run_tests
from mpp.author.developing.watching import changed, look
from mpp.author.project import read_project
from mpp.author.running import is_confined
from mpp.author.scaffold import create_project
from mpp.errors import Refused, ToolFailed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(create_project("hello", lang="python", parent=str(tmp_path), publisher="Ada").folder)


# --- watching


def test_changes_are_seen(project: Path) -> None:
    before = look(str(project))
    assert {"app/main.py", "manifest.json", "tests/test_main.py"} <= set(before)
    assert changed(before, look(str(project))) == ()
    (project / "app" / "main.py").write_text("x = 1\n")
    (project / "new.txt").write_text("")
    (project / "mpp.toml").unlink()
    assert changed(before, look(str(project))) == ("app/main.py", "mpp.toml", "new.txt")


def test_what_builds_leave_is_no_change(project: Path) -> None:
    before = look(str(project))
    for name in ("hello-0.1.0.mpp", ".hidden", "app/__pycache__/x.pyc", "target/x", "node_modules/a/b", ".git/x"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    assert changed(before, look(str(project))) == ()


def test_a_link_is_looked_at_and_not_followed(project: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "file").write_text("")
    (project / "link").symlink_to(tmp_path / "many")
    assert not [name for name in look(str(project)) if name.startswith("link/")]


def test_a_folder_of_everything_is_refused(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "WATCHED_FILES_MAX", 3)
    with pytest.raises(Refused, match=r"project\.files"):
        look(str(project))


def test_a_file_that_goes_meanwhile(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> os.stat_result:
        raise FileNotFoundError

    monkeypatch.setattr(watching.os, "lstat", gone)
    assert look(str(project)) == {}


# --- tests of the project

needs_confinement = pytest.mark.skipif(not is_confined(), reason="this system has no Landlock: tests of a project run only with --unconfined")


@needs_confinement
def test_the_tests_of_a_project_run(project: Path) -> None:
    tested = run_tests(read_project(str(project)))
    assert tested is not None
    assert (tested.ok, tested.summary, tested.output) == (True, "2 passed", "")
    (project / "tests" / "test_main.py").write_text("def test_no():\n    assert False, 'a reason'\n")
    tested = run_tests(read_project(str(project)))
    assert tested is not None
    assert (tested.ok, tested.summary) == (False, "1 failed")
    assert "a reason" in tested.output


@needs_confinement
def test_tests_are_held_like_a_build(project: Path, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("private")
    (project / "tests" / "test_main.py").write_text(
        f"import pytest, socket\n\n\ndef test_reads(tmp_path):\n    (tmp_path / 'x').write_text('mine')\n    with pytest.raises(PermissionError):\n        open({str(tmp_path / 'private')!r})\n"
        "    with pytest.raises(PermissionError):\n        socket.socket()\n"
    )
    tested = run_tests(read_project(str(project)))
    assert tested is not None
    assert tested.summary == "1 passed", tested.output


@needs_confinement
def test_tests_that_hang_end(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "TEST_SECONDS_MAX", 2)
    (project / "tests" / "test_main.py").write_text("def test_no():\n    while True: pass\n")
    tested = run_tests(read_project(str(project)))
    assert tested is not None
    assert not tested.ok


def test_where_there_is_nothing_to_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "_holds_pytest", lambda _: False)
    assert run_tests(read_project(str(project))) is None
    monkeypatch.undo()
    shutil.rmtree(project / "tests")
    assert run_tests(read_project(str(project))) is None


def test_without_barriers_a_person_says_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "is_confined", lambda: False)
    tested = run_tests(read_project(str(project)))
    assert tested is not None
    assert (tested.ok, tested.seconds) == (True, 0.0)
    assert "--unconfined" in tested.summary
    tested = run_tests(read_project(str(project)), trusts_project=True)
    assert tested is not None
    assert tested.summary == "2 passed"


def test_the_projects_own_environment_comes_first(project: Path) -> None:
    assert python_of(str(project)) == sys.executable
    own = project / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert python_of(str(project)) == str(own)
    assert not testing._holds_pytest(str(own))
    (project / ".venv" / "lib" / "python3.13" / "site-packages" / "pytest").mkdir(parents=True)
    assert testing._holds_pytest(str(own))


# --- natively


def test_a_tool_runs_natively(project: Path) -> None:
    reply = run_native(read_project(str(project)), "greet", b'{"name": "Ada"}', invocation="0" * 32, seconds=60)
    assert b"Hello, Ada!" in reply.line


def test_a_tool_with_a_main_of_its_own(project: Path) -> None:
    (project / "app" / "main.py").write_text(
        "import os, sys\ndef mpp_main():\n    print(sorted(os.environ), file=sys.stderr)\n    print(sys.stdin.readline())\n"
    )
    reply = run_native(read_project(str(project)), "greet", b"", invocation="0" * 32, seconds=60)
    assert b'"name": "greet"' in reply.line
    assert "MPP_HOME" not in reply.stderr


@pytest.mark.parametrize(("body", "code"), [("sys.exit(3)", "tool.exit"), ("while True: pass", "tool.deadline"), ("print('x' * 5_000_000)", "tool.output")])
def test_a_native_run_that_fails(project: Path, body: str, code: str) -> None:
    (project / "app" / "main.py").write_text(f"import sys\ndef mpp_main():\n    {body}\n")
    with pytest.raises(ToolFailed) as failure:
        run_native(read_project(str(project)), "greet", b"{}", invocation="0" * 32, seconds=2)
    assert failure.value.code == code


def test_only_python_runs_natively(project: Path) -> None:
    (project / "app" / "main.py").unlink()
    with pytest.raises(Refused, match=r"project\.entrypoint"):
        run_native(read_project(str(project)), "greet", b"{}", invocation="0" * 32, seconds=2)


# --- what was missing


@pytest.mark.parametrize(("method", "params", "words"), [
    ("http.fetch", {"url": "https://api.example.com/x"}, '{"network": ["api.example.com"]}'),
    ("http.fetch", {"url": "http://api.example.com:8080/x"}, '{"network": [{"host": "api.example.com", "schemes": ["http"], "ports": [8080]}]}'),
    ("http.fetch", {}, "HOST"), ("http.fetch", None, "HOST"), ("kv.set", {"key": "x"}, '"max_bytes"'), ("context.get", {}, "does not declare it"),
])  # fmt: skip
def test_a_right_that_was_not_declared(method: str, params: object, words: str) -> None:
    assert words in lacked_call(method, params, "not_declared")  # type: ignore[arg-type]


def test_a_right_that_was_declared_and_not_granted() -> None:
    assert "policy" in lacked_call("http.fetch", {"url": "https://api.example.com"}, "not_granted")


def test_files_and_variables_that_were_not_there() -> None:
    found = lacked_in(
        "FileNotFoundError: [Errno 44] No such file or directory: '/data/x.txt'\nKeyError: 'API_BASE'\nFileNotFoundError: [Errno 44] x: '/package/app/y'\nKeyError: 'name'"
    )
    assert len(found) == 2
    assert '{"filesystem": {"read": ["/data/x.txt"]}}' in found[0]
    assert '{"env_vars": ["API_BASE"]}' in found[1]
    assert lacked_in("all is well") == ()
