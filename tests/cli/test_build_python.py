"""mpp build and mpp init for Python projects, on a stand-in for a layer; pip is simulated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpp.author.languages.ports import LayerFile
from mpp.author.running import is_confined
from mpp.author.scaffold import TEMPLATES, template_files, templates_of
from mpp.author.vendoring import locking
from mpp.author.vendoring.fetching import Pip
from mpp.cli.commands import build as command
from mpp.model.manifest import LayerRef
from tests.cli.conftest import Mpp

pytestmark = pytest.mark.skipif(not is_confined(), reason="this system has no Landlock, so no Python tool is described")

LAYER = LayerFile(ref=LayerRef(id="dev.example.layer", version="1.0.0", sha256="1" * 64), path="/nowhere")


@pytest.fixture
def project(mpp: Mpp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(command, "newest_layer", lambda _: LAYER)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert mpp("init", "hello").code == 0
    monkeypatch.chdir("hello")
    return Path.cwd()


def test_python_is_what_init_begins_with(project: Path, mpp: Mpp) -> None:
    built = mpp("build", "--json")
    assert built.code == 0, built.err
    manifest = mpp("inspect", "hello-0.1.0.mpp", "--json").json["manifest"]
    assert manifest["runtime"]["type"] == "python"
    assert [tool["name"] for tool in manifest["tools"]] == ["greet"]


def test_definitions_are_written_into_the_manifest(project: Path, mpp: Mpp) -> None:
    assert mpp("build", "--write-manifest", "--json").json == {"ok": True, "file": "manifest.json"}
    assert json.loads((project / "manifest.json").read_text())["tool_definitions"][0]["name"] == "greet"
    assert "Wrote the tool definitions" in mpp("build", "--write-manifest").out
    assert mpp("build").code == 0
    (project / "app" / "main.py").write_text((project / "app" / "main.py").read_text().replace("def greet", "def welcome"))
    done = mpp("build")
    assert (done.code, "--write-manifest" in done.err) == (3, True)


def test_dependencies_are_locked(project: Path, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(words: list[str], env: Mapping[str, str]) -> tuple[int, str]:
        import zipfile

        with zipfile.ZipFile(Path(words[words.index("-d") + 1]) / "lib_x-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr("lib_x.py", "x = 1\n")
        return 0, ""

    monkeypatch.setattr(locking, "Pip", lambda env: Pip(env=env, run=run))
    (project / "requirements.txt").write_text("lib-x\n")
    assert (done := mpp("build")).code == 3
    assert "mpp build --lock" in done.err
    row = mpp("build", "--lock", "--json").json["dependencies"][0]
    assert (row["name"], row["version"], len(row["sha256"])) == ("lib-x", "1.0", 64)
    assert "Locked 1 dependency in" in mpp("build", "--lock").out
    assert mpp("build").code == 0
    assert "lib/lib_x.py" in mpp("inspect", "hello-0.1.0.mpp", "--json").out


def test_a_missing_compiler_is_named(project: Path, mpp: Mpp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(command, "newest_layer", lambda _: None)
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path / "none"))
    done = mpp("build", "--no-install")
    assert done.code == 1
    assert "mpp toolchain install componentize-py" in done.err


def test_a_template_is_laid_over_the_language(mpp: Mpp) -> None:
    made = mpp("init", "notes", "--template", "kv", "--json").json
    assert {"app/main.py", ".vscode/settings.json", ".github/workflows/mpp.yml", "mpp.toml", "tests/conftest.py"} <= set(made["files"])
    assert "mpp run --tool save_note" in " ".join(made["next"])
    assert b"kv.set" in Path("notes/app/main.py").read_bytes()


def test_python_has_all_templates() -> None:
    assert templates_of("python") == tuple(TEMPLATES)
    for name in TEMPLATES:
        assert {"manifest.json", "README.md", "tests/test_main.py"} <= set(template_files("python", name))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--template", "htp-api"], "http-api"),
        (["--template", "zzz"], "kv"),
        (["--lang", "pyton"], "python"),
        (["--lang", "wat", "--template", "kv"], "one template"),
    ],
)
def test_what_init_does_not_know(mpp: Mpp, words: list[str], hint: str) -> None:
    done = mpp("init", "x", *words)
    assert done.code == 3
    assert hint in done.err


def test_each_template_builds_and_its_tests_pass(mpp: Mpp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from mpp.cli.commands import dev

    monkeypatch.setattr(dev, "newest_layer", lambda _: LAYER)
    for name in TEMPLATES:
        assert mpp("init", f"x-{name}", "--template", name).code == 0
        done = mpp("dev", f"x-{name}", "--once", "--json")
        assert done.code == 0, done.out
        assert done.json["tests"].endswith("passed")
