"""Each tutorial is followed step by step: its commands run, and what it shows must come."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.rust_debian import has_wasm
from tests.tutorials import PAGES, ROOT, Reader, blocks, missing, steps, surroundings


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    found = Reader(tmp_path, surroundings(tmp_path / "home"))
    yield found
    found.close()


def text(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def asked_for() -> None:
    """The long ones compile a language, a layer or a component, which takes minutes on a busy machine."""
    if not os.environ.get("MPP_TEST_TUTORIALS"):
        pytest.skip("MPP_TEST_TUTORIALS=1 follows this tutorial too")


def test_every_page_is_followed() -> None:
    """Each has a test here, and nothing is left out without a reason that it names."""
    here = Path(__file__).read_text(encoding="utf-8")
    pages = sorted(path.stem for path in PAGES.glob("*.md") if path.stem != "README")
    assert [page for page in pages if f'text("{page}")' not in here] == []
    left_out = {page: [block.said["not run"] for block in blocks(text(page)) if "not run" in block.said] for page in pages}
    assert {page for page, found in left_out.items() if found} <= {"migrate"}
    replaced = {block.said["here"] for page in pages for block in blocks(text(page)) if "here" in block.said}
    allowed = re.compile(r"true|mpp keygen .*|mpp init hello .*")
    assert [command for command in replaced if not allowed.fullmatch(command)] == []


def test_what_does_not_come_is_found() -> None:
    assert missing(("a … c", "b"), "a b c\nb\n") == []
    assert missing(("a … c", "b"), "a b\nb and more") == ["a … c", "b"]


def test_commands_and_what_they_show_are_told_apart() -> None:
    found = steps("$ one \\\n    --two\nshown\n\n  more\n$ three\n")
    assert [(step.command, step.shown) for step in found] == [("one \\\n    --two", ("shown", "more")), ("three", ())]


def test_c(reader: Reader) -> None:
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    reader.follow(text("c"))


def rust(environment: dict[str, str]) -> dict[str, str]:
    """With the Rust of Debian in front, where ``make languages`` put it."""
    folder = Path(environment.get("XDG_CACHE_HOME", "/nowhere"), "mpp", "rust-debian", "bin")
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"} if folder.is_dir() else environment


def needs_layer(language: str) -> None:
    if not (ROOT / "build" / "layers" / f"{language}.mpp").is_file():
        pytest.skip(f"there is no layer for {language}: make layers")


def test_python(reader: Reader) -> None:
    asked_for()
    needs_layer("python")
    reader.follow(text("python"))


def test_typescript(reader: Reader) -> None:
    asked_for()
    needs_layer("javascript")
    if shutil.which("npm") is None:
        pytest.skip("there is no npm")
    reader.follow(text("typescript"))


def test_rust(reader: Reader) -> None:
    asked_for()
    # Compilers are taken as they are; what is missing is fetched by `make languages`, never by a quick test.
    reader.environment = rust(reader.environment)
    if not has_wasm(reader.environment):
        pytest.skip("there is no Rust that compiles to WebAssembly: make languages")
    reader.follow(text("rust"))


def test_go(reader: Reader) -> None:
    asked_for()
    if not list(Path(reader.environment.get("XDG_CACHE_HOME", "/nowhere")).glob("mpp/toolchains/go-*")):
        pytest.skip("there is no Go: mpp toolchain install go")
    reader.follow(text("go"))


def test_company_registry(reader: Reader) -> None:
    asked_for()
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    reader.follow(text("company-registry"))


def test_migrate(reader: Reader) -> None:
    asked_for()
    needs_layer("python")
    reader.follow(text("migrate"))


def test_curated_tools(reader: Reader) -> None:
    asked_for()
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    reader.follow(text("curated-tools"))


def test_langchain(reader: Reader) -> None:
    """In an environment that has LangChain beside MPP: MPP_TEST_LANGCHAIN names its Python. `make interop` tries the same adapter with every framework."""
    asked_for()
    pytest.importorskip("ziglang", reason="the C compiler is not installed")
    python = os.environ.get("MPP_TEST_LANGCHAIN", "")
    if not python:
        pytest.skip("MPP_TEST_LANGCHAIN names no Python with langchain-core and langgraph")
    reader.environment["PATH"] = os.pathsep.join((str(Path(python).parent), reader.environment["PATH"]))
    reader.follow(text("langchain"))
