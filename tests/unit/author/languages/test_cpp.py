"""C++: what its compiler is told, and which flags and sources a project may name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mpp.author import compile as compiling
from mpp.author.compile import compile_project, Compiled, compiler_arguments, CPP, default_cache
from mpp.author.languages.cpp import LANGUAGE
from mpp.author.languages.registry import find_language
from mpp.author.project import BuildSettings, Project, read_project
from mpp.author.scaffold import create_project
from mpp.errors import Refused
from tests.unit.author.languages.jobs import job

FLAGS = next(key for key in LANGUAGE.keys if key.name == "flags").pattern


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return Path(create_project("hello", lang="cpp", parent=str(tmp_path), publisher="Ada").folder)


def test_it_has_other_names() -> None:
    assert find_language("c++") is LANGUAGE
    assert find_language("cxx") is LANGUAGE


def test_there_are_no_exceptions_and_the_library_is_linked(hello: Path) -> None:
    arguments = compiler_arguments(read_project(str(hello)), CPP)
    assert "-fno-exceptions" in arguments
    assert arguments[-1] == "-lc++"
    assert arguments.index("-fno-gnu-inline-asm") > arguments.index("./src/main.cpp"), "a flag of the project cannot bring it back"


@pytest.mark.parametrize("flag", ["-std=c++17", "-std=gnu++20", "-O2", "-Wall", "-DNAME=1", "-fno-rtti", "-msimd128"])
def test_flags_that_may_be_given(flag: str) -> None:
    assert FLAGS.fullmatch(flag)


@pytest.mark.parametrize(
    "flag", ["-fexceptions", "-std=c11", "-fplugin=a.so", "-include/etc/passwd", "-Wl,-T,a", "@file", "-B.", "-Xclang", "-frtti\n-B.", "-lssl"]
)
def test_flags_that_may_not(flag: str) -> None:
    assert FLAGS.fullmatch(flag) is None


def test_other_files_are_no_sources(hello: Path) -> None:
    (hello / "src" / "extra.S").write_text("")
    settings = BuildSettings(language="cpp", given={"sources": ("src/*",)})
    with pytest.raises(Refused, match=r"is no C\+\+ source") as caught:
        compile_project(Project(root=str(hello), manifest_path="", settings=settings), progress=lambda _: None, dialect=CPP)
    assert caught.value.where == "src/extra.S"


def test_a_project_in_c_is_not_compiled_as_cpp(hello: Path) -> None:
    with pytest.raises(Refused, match="does not say how it is compiled"):
        compile_project(read_project(str(hello)), progress=lambda _: None)


@pytest.mark.skipif(not any(Path(default_cache(), "o").glob("*/libc++.a")), reason="the C++ library was not prepared yet: mpp build of a C++ project does it")
def test_a_fault_is_named_with_its_place(hello: Path) -> None:
    pytest.importorskip("ziglang", reason="the compiler (PyPI: ziglang) is not installed")
    source = hello / "src" / "main.cpp"
    source.write_text(source.read_text().replace("call.say(greeting);", "call.sya(greeting);"))
    with pytest.raises(Refused, match="no member named 'sya'") as caught:
        compile_project(read_project(str(hello)), progress=lambda _: None, cache=default_cache(), dialect=CPP)
    assert caught.value.where.startswith("src/main.cpp:20:")


def test_what_was_compiled_becomes_the_package(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "compile_project", lambda *_, **__: Compiled(b"\0asm", ("include/mpp.hpp", "src/main.cpp")))
    made = job(tmp_path, {}, program=tmp_path / "none/bin/none", sources=("src/*.cpp",), include=("include",))
    output = LANGUAGE.build(replace(made, root=str(hello)))
    assert output.members == {"bin/main.wasm": b"\0asm"}
    assert output.inputs["src/main.cpp"] == (hello / "src" / "main.cpp").read_bytes()
    assert output.parameters[-1] == "-lc++"
