"""``mpp`` for authors of JavaScript and TypeScript, without any toolchain: projects, what a build says, where the SDK is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import Mpp

TEMPLATES = ("", "http-api", "files", "kv")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(("language", "ending"), [("javascript", "js"), ("typescript", "ts")])
def test_a_project_is_complete(mpp: Mpp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, ending: str, template: str) -> None:
    monkeypatch.chdir(tmp_path)
    done = mpp("init", "hello", "--lang", language, *(("--template", template) if template else ()))
    assert done.code == 0, done.err
    folder = tmp_path / "hello"
    assert {"manifest.json", "mpp.toml", "README.md", "package.json", ".gitignore", ".github", ".vscode"} <= set(os.listdir(folder))
    main = (folder / "app" / f"main.{ending}").read_text()
    assert 'from "mpp-sdk"' in main
    assert "{{" not in (folder / "manifest.json").read_text()
    assert json.loads((folder / "manifest.json").read_text())["runtime"]["type"] == "javascript"
    # What the README calls is there.
    named = [word for word in (folder / "README.md").read_text().split() if word.startswith("`") and word.endswith("`") and "_" in word]
    assert all(word.strip("`") in main for word in named)
    assert (folder / "tests" / f"main.test.{ending}").is_file()


def test_without_a_layer_a_build_says_how_to_get_one(mpp: Mpp, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mpp("init", "hello", "--lang", "js")
    monkeypatch.chdir(tmp_path / "hello")
    done = mpp("build", "--no-install")
    assert done.code != 0
    assert "there is no JavaScript layer on this machine" in done.err
    assert "mpp layer build javascript" in done.err


def test_where_the_sdk_is(mpp: Mpp) -> None:
    done = mpp("toolchain", "path", "sdk-javascript", "--json")
    assert done.code == 0
    folder = Path(json.loads(done.out)["path"])
    assert json.loads((folder / "package.json").read_text())["name"] == "mpp-sdk"
    assert (folder / "dist" / "index.d.ts").is_file()
