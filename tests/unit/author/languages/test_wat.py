"""WebAssembly text: assembled by the engine in a process of its own, faults with file and line, the template answers as its text promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.author.languages import wat_child
from mpp.author.build import build_project
from mpp.author.languages import wat
from mpp.author.languages.wat import find_library, LANGUAGE as WAT
from mpp.author.project import read_project
from mpp.author.scaffold import create_project
from mpp.errors import HostFailed, Refused
from mpp.stages.archive import read_archive, read_member
from tests.unit.author.languages.jobs import job
from tests.unit.sandbox.conftest import order
from tests.unit.sandbox.runner import Runner


def build(folder: Path, text: str) -> dict[str, bytes]:
    return dict(WAT.build(job(folder, {"src/main.wat": text}, program=folder / "none/bin/none", sources=("src/*.wat",))).members)


def test_a_module_is_assembled(tmp_path: Path) -> None:
    assert build(tmp_path, "(module)") == {"bin/main.wasm": b"\0asm\x01\0\0\0"}


@pytest.mark.parametrize(("text", "where"), [("(module\n  (func (local $x i33)))", "src/main.wat:2:19"), ("(module", "src/main.wat:1:8")])
def test_a_fault_has_a_place(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(Refused, match="found 1 error") as caught:
        build(tmp_path, text)
    assert (caught.value.code, caught.value.where) == ("project.compile", where)


def test_one_module_is_one_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="2 files match"):
        WAT.build(job(tmp_path, {"src/a.wat": "", "src/b.wat": ""}, program=tmp_path / "none/bin/none", sources=("src/*.wat",)))


def test_the_same_text_gives_the_same_package(tmp_path: Path) -> None:
    made = []
    for place in ("one", "another folder"):
        (tmp_path / place).mkdir()
        folder = create_project("hello", lang="wat", parent=str(tmp_path / place), publisher="Ada").folder
        made.append(build_project(read_project(folder), progress=lambda _: None).data)
    assert made[0] == made[1]


def test_without_an_engine_there_is_no_assembler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wat, "import_path", list)
    with pytest.raises(HostFailed) as caught:
        find_library()
    assert caught.value.code == "host.engine"


def test_words_without_a_place_begin_at_the_first_line() -> None:
    assert wat_child.told("too large", "a.wat") == "a.wat:1:1: error: too large"


def test_the_child_writes_and_tells(tmp_path: Path) -> None:
    source, made = tmp_path / "a.wat", tmp_path / "a.wasm"
    source.write_text("(module)")
    wat_child.main(find_library(), str(source), str(made), "a.wat")
    assert made.read_bytes() == b"\0asm\x01\0\0\0"
    source.write_text("(modul)")
    with pytest.raises(SystemExit, match=r"a\.wat:1:2: error: "):
        wat_child.main(find_library(), str(source), str(made), "a.wat")


@pytest.fixture(scope="module")
def greeter(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = create_project("hello", lang="wat", parent=str(tmp_path_factory.mktemp("wat")), publisher="Ada").folder
    archive = read_archive(build_project(read_project(folder), progress=lambda _: None).data)
    member = archive.find("bin/main.wasm")
    assert member is not None
    return bytes(read_member(archive, member))


@pytest.mark.parametrize(
    ("arguments", "greeting"),
    [({}, "Hello, World!"), ({"name": "Ada"}, "Hello, Ada!"), ({"name": 'é "Q" \\ \n\u0001😀\\'}, 'Hello, é "Q" \\ \n\u0001😀\\!'), ({"name": "x" * 200}, f"Hello, {'x' * 200}!")],
)  # fmt: skip
def test_the_template_greets(greeter: bytes, arguments: dict[str, str], greeting: str) -> None:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "greet", "arguments": arguments, "_meta": {"user": '"arguments":{"name":"'}},
    }
    runner = Runner(greeter)
    guest, ending = runner.run(order(json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"))
    runner.close()
    assert ending.kind == "exit", ending
    reply = json.loads(guest.stdout)
    assert reply["result"]["structuredContent"] == {"greeting": greeting}
    assert reply["result"]["content"] == [{"type": "text", "text": greeting}]
