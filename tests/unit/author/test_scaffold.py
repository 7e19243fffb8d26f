from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpp.author import scaffold
from mpp.author.project import find_project, read_project
from mpp.author.scaffold import create_project
from mpp.errors import HostFailed, Refused

MARKER = re.compile(rb"\{\{[a-z_]*\}\}")


def test_a_project_is_complete(tmp_path: Path) -> None:
    made = create_project("hello", lang="c", parent=str(tmp_path), package_id="org.ada.hello", publisher="Ada")
    folder = tmp_path / "hello"
    assert made.folder == str(folder)
    assert sorted(made.files) == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert not [path for path in folder.rglob("*") if path.is_file() and MARKER.search(path.read_bytes())]
    assert not [path for path in folder.rglob("*") if path.is_file() and b"\r" in path.read_bytes()]
    assert os.listdir(tmp_path) == ["hello"], "nothing else is left behind"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["name"], manifest["package_id"], manifest["publisher"]) == ("hello", "org.ada.hello", {"name": "Ada"})
    assert manifest["capabilities"] == {"network": [], "filesystem": {"read": [], "write": []}, "env_vars": []}
    assert "hello-0.1.0.mpp" in (folder / "README.md").read_text()
    assert ".gitignore" in made.files


def test_the_new_project_reads_back(tmp_path: Path) -> None:
    folder = create_project("hello", lang="c", parent=str(tmp_path)).folder
    project = find_project(os.path.join(folder, "src"))
    assert project == read_project(folder)
    assert project is not None
    assert (project.settings.language, project.settings.texts("sources"), project.settings.texts("include")) == ("c", ("src/*.c",), ("include",))


def test_defaults_are_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold.shutil, "which", lambda _: None)
    folder = create_project("my-tool", lang="c", parent=str(tmp_path)).folder
    manifest = json.loads(Path(folder, "manifest.json").read_text())
    assert (manifest["package_id"], manifest["publisher"]["name"]) == ("com.example.my-tool", "Example Publisher")


@pytest.mark.parametrize(
    ("said", "status", "publisher"),
    [
        ("Ada Lovelace", 0, "Ada Lovelace"),
        ('Ada "{{name}}" \\ é', 0, 'Ada "{{name}}" \\ é'),
        ("", 1, "Example Publisher"),
        ("a" * 101, 0, "Example Publisher"),
        ("bell\x07", 0, "Example Publisher"),
    ],
)
def test_the_publisher_comes_from_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, status: int, publisher: str) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\ncat <<'END'\n" + said + f"\nEND\nexit {status}\n", encoding="utf-8")
    git.chmod(0o755)
    monkeypatch.setattr(scaffold.shutil, "which", lambda _: str(git))
    folder = create_project("hello", lang="c", parent=str(tmp_path)).folder
    assert json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8"))["publisher"]["name"] == publisher


@pytest.mark.parametrize("fault", [OSError("no"), subprocess.TimeoutExpired("git", 5)])
def test_a_git_that_fails_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def run(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(scaffold.shutil, "which", lambda _: "git")
    monkeypatch.setattr(scaffold.subprocess, "run", run)
    assert "Example Publisher" in Path(create_project("hello", lang="c", parent=str(tmp_path)).folder, "manifest.json").read_text()


def test_a_tools_folder_takes_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tools").mkdir()
    monkeypatch.chdir(tmp_path)
    made = create_project("hello", lang="c", parent=".")
    assert made.folder == str(tmp_path / "tools" / "hello")
    assert made.next_steps[:2] == ("cd tools/hello", "mpp build")


def test_a_tools_folder_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "tools").symlink_to("../elsewhere")
    assert create_project("hello", lang="c", parent=str(tmp_path / "clone")).folder == str(tmp_path / "clone" / "hello")
    assert not os.listdir(tmp_path / "elsewhere")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_settings_of_a_clone_name_no_publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    for name, folder in (("HOME", "home"), ("XDG_CONFIG_HOME", "home")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    clone = tmp_path / "clone"
    subprocess.run(["git", "init", "-q", str(clone)], check=True)
    subprocess.run(["git", "-C", str(clone), "config", "user.name", "Mallory"], check=True)
    monkeypatch.chdir(clone)
    assert scaffold.guess_publisher() == "Example Publisher"
    (tmp_path / "home" / ".gitconfig").write_text("[user]\nname = Ada\n")
    assert scaffold.guess_publisher() == "Ada"


def test_the_cd_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "my tools"
    odd.mkdir()
    monkeypatch.chdir(tmp_path)
    assert create_project("hello", lang="c", parent="my tools").next_steps[0] == "cd 'my tools/hello'"


NAMES = [
    ("", "my-tool"), ("Hello", "hello"), ("hello_world", "hello-world"), ("9lives", "lives"), ("-x", "x"), ("a--b", "a-b"), ("a-", "a"), ("../up", "up"),
    ("con", "con-tool"), ("nul", "nul-tool"), ("a" * 41, "a" * 40), ("été", "t"), ("{{name}}", "name"), ("a/b", "a-b"), ("h\x1b[31m", "h-31m"), (".", "my-tool"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "suggestion"), NAMES)
def test_bad_names_are_refused_with_a_suggestion(tmp_path: Path, name: str, suggestion: str) -> None:
    with pytest.raises(Refused) as refusal:
        create_project(name, lang="c", parent=str(tmp_path))
    assert refusal.value.code == "project.name"
    assert refusal.value.hint == f"for example: mpp init {suggestion}"
    assert refusal.value.message.isprintable()
    assert not os.listdir(tmp_path)
    create_project(suggestion, lang="c", parent=str(tmp_path))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refusal:
        create_project("No", lang="cobol", parent=str(tmp_path), package_id="nodots", publisher="two\nlines")
    assert [fault.code for fault in refusal.value.faults] == ["project.name", "project.language", "project.package_id", "project.publisher"]
    assert "take one of: python" in refusal.value.faults[1].hint


@pytest.mark.parametrize("package_id", ["a", "a..b", ".a.b", "a.b.", "A.b", "a b.c", "9.a", "a.b" * 60, "a.é"])
def test_bad_package_ids_are_refused(tmp_path: Path, package_id: str) -> None:
    with pytest.raises(Refused, match=r"project\.package_id"):
        create_project("hello", lang="c", parent=str(tmp_path), package_id=package_id)


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "broken link"])
def test_an_existing_name_is_left_alone(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "hello"
    if kind == "file":
        target.write_text("mine")
    elif kind == "broken link":
        target.symlink_to(tmp_path / "nowhere")
    else:
        target.mkdir()
        if kind == "folder":
            (target / "mine").write_text("mine")
    with pytest.raises(Refused) as refusal:
        create_project("hello", lang="c", parent=str(tmp_path))
    assert (refusal.value.code, refusal.value.where) == ("project.exists", str(target))
    assert os.listdir(tmp_path) == ["hello"]


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"project\.folder"):
        create_project("hello", lang="c", parent=str(tmp_path / "absent"))


@pytest.mark.parametrize("at", [1, 3, 9])
def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    count = 0
    real = os.makedirs

    def makedirs(*args: object, **more: object) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise OSError(28, "No space left on device")
        real(*args, **more)

    monkeypatch.setattr(scaffold.os, "makedirs", makedirs)
    with pytest.raises(HostFailed) as failure:
        create_project("hello", lang="c", parent=str(tmp_path))
    assert failure.value.code == "host.file"
    assert not os.listdir(tmp_path)
