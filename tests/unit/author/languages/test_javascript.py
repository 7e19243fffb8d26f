"""JavaScript and TypeScript builds: what goes into the package, what is refused, and whole builds on the layer where it is there."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.author.languages import javascript_describe, javascript_files, typescript
from mpp.author.languages.javascript import LANGUAGE as JAVASCRIPT
from mpp.author.languages.javascript_describe import bundle_of, describe, module_of
from mpp.author.languages.javascript_layer import needed_layer
from mpp.author.languages.ports import Job, LayerFile
from mpp.author.languages.registry import find_language
from mpp.author.languages.typescript import LANGUAGE as TYPESCRIPT, source_of
from mpp.author.running import Done
from mpp.errors import HostFailed, Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import LayerRef, parse_manifest
from mpp.testing import packages
from tests import layered
from tests.unit.author.languages.jobs import job, script

MAIN = 'import { t, tool } from "mpp-sdk"; tool({ name: "greet", description: "Greets", parameters: { name: t.string() } }, ({ name }) => `Hello, ${name}`);'
REF = LayerRef(id="com.example.interpreter", version="1.0.0", sha256="0" * 64)


def given(folder: Path, files: dict[str, str], *, entrypoint: str = "app/main.js", program: Path | None = None) -> Job:
    made = job(folder, files, program=program or script(folder / "chain/bin/none", "exit 1"))
    runtime: Json = {
        "type": "javascript",
        "entrypoint": entrypoint,
        "memory_limit_mb": 64,
        "timeout_ms": 5000,
        "layer": {"id": REF.id, "version": "1.0.0", "sha256": REF.sha256},
    }
    return replace(made, manifest=parse_manifest(packages.files({"runtime": runtime})["manifest.json"]), cache=str(folder / "cache"))


def a_layer(folder: Path, body: bytes | None = None) -> LayerFile:
    path = folder / "layer.mpp"
    path.write_bytes(layered.layer_body(layered.sound()) if body is None else body)
    return LayerFile(ref=REF, path=str(path))


def test_the_languages_are_in_the_registry() -> None:
    for name, language in (("javascript", JAVASCRIPT), ("js", JAVASCRIPT), ("typescript", TYPESCRIPT), ("ts", TYPESCRIPT)):
        assert find_language(name) is language


def test_without_a_layer_the_build_says_how_to_get_one(tmp_path: Path) -> None:
    for language in (JAVASCRIPT, TYPESCRIPT):
        with pytest.raises(Refused) as found:
            language.build(given(tmp_path / language.name, {"app/main.js": MAIN}))
        assert found.value.code == "project.layer"
        assert "mpp layer build javascript" in (found.value.hint or "")


def test_what_goes_into_the_package(tmp_path: Path) -> None:
    description = {"type": "module", "imports": {"#a": "./app/a.js"}, "scripts": {"test": "secret"}, "devDependencies": {"x": "1"}}
    files = {
        "app/main.js": MAIN,
        "app/a.js": "export {}",
        "app/t.json": "{}",
        "app/node_modules/x/x.js": "",
        "package.json": json.dumps(description),
        "other.js": "",
    }
    found = javascript_files.gather(given(tmp_path, files), "app/main.js")
    names = [name for name in found.members if not name.startswith("node_modules/mpp-sdk/")]
    assert sorted(names) == ["app/a.js", "app/main.js", "app/t.json", "package.json"]
    assert json.loads(found.members["package.json"]) == {"type": "module", "imports": {"#a": "./app/a.js"}}
    assert found.components[0].name == "mpp-sdk"
    assert found.sdk_version == "0.1.0"


def test_a_description_without_anything_for_modules_is_left_out(tmp_path: Path) -> None:
    made = given(tmp_path, {"app/main.js": MAIN, "package.json": '{"name": "x"}'})
    assert "package.json" not in javascript_files.gather(made, "app/main.js").members


@pytest.mark.parametrize(("entrypoint", "words"), [("app/other.js", "is not there"), ("src/main.js", "directly below"), ("app/main.ts", "directly below")])
def test_an_entrypoint_that_is_none(tmp_path: Path, entrypoint: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as found:
        javascript_files.gather(given(tmp_path, {"app/main.js": MAIN}), entrypoint)
    assert found.value.code == "project.entrypoint"


def test_the_source_of_an_entrypoint() -> None:
    assert source_of("app/main.js") == source_of("app/main.ts") == "app/main.ts"
    with pytest.raises(Refused):
        source_of("app/main.py")


def test_a_bundle_is_as_the_layer_reads_it() -> None:
    data = bundle_of("app/main.js", {"b": b"22", "a": b"1"})
    head, _, rest = data.partition(b"\n")
    assert head.split()[:3] == [b"MPPB1", b"00000000", b"1"]
    size = int(head.split()[3])
    assert json.loads(rest[:size]) == {"entrypoint": "app/main.js", "files": [["a", 1], ["b", 2]]}
    assert rest[size:] == b"122"


def test_the_interpreter_inside_of_a_layer(tmp_path: Path) -> None:
    assert module_of(a_layer(tmp_path)) == layered.sound()


def answering(tmp_path: Path, initialise: str, answer: str = "") -> tuple[Job, LayerFile]:
    said = answer.replace("\\", "\\\\").replace('"', '\\"')
    start = f"(call $say (i32.const 1) (i32.const 3000) (i32.const {len(answer.encode())}))"
    body = layered.layer_body(layered.wasm(initialise, start, f'(data (i32.const 3000) "{said}")'))
    return given(tmp_path, {"app/main.js": MAIN}), a_layer(tmp_path, body)


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"result":{"tools":[{"name":"a"}],"handler":false}}', ({"name": "a"},)),
        ('{"result":{"tools":[],"handler":true}}', None),
        ('{"result":[]}', None),
        ("[]", None),
        ("no JSON", None),
    ],
)
def test_definitions_are_what_the_tool_says(tmp_path: Path, answer: str, wanted: object) -> None:
    made, layer = answering(tmp_path, layered.KEEP, answer)
    assert describe(made, layer, "app/main.js", {"app/main.js": b"x"}) == wanted


def test_two_ways_to_answer_are_refused(tmp_path: Path) -> None:
    made, layer = answering(tmp_path, layered.KEEP, '{"result":{"tools":[{"name":"a"}],"handler":true}}')
    with pytest.raises(Refused, match="which of them answers") as found:
        describe(made, layer, "app/main.js", {"app/main.js": b"x"})
    assert found.value.code == "project.describe"


@pytest.mark.parametrize(("initialise", "words"), [("unreachable", "unreachable"), ("(call $exit (i32.const 70))", "does not load")])
def test_a_tool_that_does_not_load_is_refused(tmp_path: Path, initialise: str, words: str) -> None:
    made, layer = answering(tmp_path, initialise)
    with pytest.raises(Refused, match=words) as found:
        describe(made, layer, "app/main.js", {"app/main.js": b"x"})
    assert found.value.code == "project.describe"


def test_an_installation_without_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(javascript_describe, "import_path", lambda: [str(tmp_path)])
    with pytest.raises(HostFailed, match="the engine is not installed"):
        javascript_describe.engine_folder()


FAKE = """for word in "$@"; do case "$word" in --outfile=*) out="${word#--outfile=}";; esac; done
ls -d app/main.ts node_modules/mpp-sdk/dist/index.js >&2 || exit 9
echo "▲ [WARNING] careful" >&2
echo "bundled" > "$out" """


def test_typescript_is_bundled_from_a_copy(tmp_path: Path) -> None:
    said: list[str] = []
    made = replace(given(tmp_path, {"app/main.ts": MAIN}, program=script(tmp_path / "chain/bin/esbuild", FAKE)), progress=said.append)
    from mpp.author.vendoring.sdk_javascript import sdk_members

    assert typescript.bundle(made, made.toolchain("esbuild"), "app/main.ts", {"app/main.ts": b"x", **sdk_members()}) == b"bundled\n"
    assert any("careful" in line for line in said)


ERROR = 'echo "✘ [ERROR] Expected ;\n\n    app/main.ts:3:4:\n      3 │ x" >&2; exit 1'


def test_errors_of_the_compiler_name_the_place(tmp_path: Path) -> None:
    made = given(tmp_path, {}, program=script(tmp_path / "chain/bin/esbuild", ERROR))
    with pytest.raises(Refused, match="found 1 error") as found:
        typescript.bundle(made, made.toolchain("esbuild"), "app/main.ts", {"app/main.ts": b"x"})
    assert (found.value.code, found.value.where) == ("project.compile", "app/main.ts:3:4")


def test_a_compiler_that_breaks_off(tmp_path: Path) -> None:
    assert isinstance(typescript._failure(Done(status=-9, output="")), HostFailed)
    assert isinstance(typescript._failure(Done(status=2, output="what?")), HostFailed)


@pytest.fixture
def real(tmp_path: Path, javascript_layer: Path) -> LayerFile:
    return LayerFile(ref=REF, path=str(javascript_layer))


def test_a_whole_build_of_javascript(tmp_path: Path, real: LayerFile) -> None:
    made = replace(given(tmp_path, {"app/main.js": MAIN}), layer=lambda _: real, self_contained=True)
    assert needed_layer(made) is real
    found = JAVASCRIPT.build(made)
    assert found.code is not None
    assert (found.code.type, found.code.entrypoint, found.code.layer) == ("javascript", "app/main.js", REF)
    assert found.definitions is not None
    (definition,) = found.definitions
    assert isinstance(definition, dict)
    assert definition["name"] == "greet"
    assert found.members["_mpp/layer.mpp"] == Path(real.path).read_bytes()
    assert [one.name for one in found.components] == ["mpp-sdk", REF.id]
    # What was compiled of the layer is kept; what is kept and broken is made again.
    (kept,) = [name for name in os.listdir(made.cache) if name.endswith(".native")]
    (Path(made.cache) / kept).write_bytes(b"broken")
    assert describe(made, real, "app/main.js", found.members) == found.definitions


def test_a_whole_build_of_typescript(tmp_path: Path, real: LayerFile) -> None:
    bundled = tmp_path / "bundled.js"
    bundled.write_text('globalThis[Symbol.for(\'mpp.layer\')].serve(() => \'{"result":{"tools":[{"name":"greet"}]}}\');')
    fake = script(
        tmp_path / "chain/bin/esbuild",
        f'for w in "$@"; do case "$w" in --outfile=*) out="${{w#--outfile=}}";; esac; done\nread -r text < {tmp_path}/chain/text; echo "$text" > "$out"',
    )
    (tmp_path / "chain/text").write_text(bundled.read_text() + "\n")
    made = replace(given(tmp_path, {"app/main.ts": MAIN, "app/words.txt": "w"}, program=fake), layer=lambda _: real)
    found = TYPESCRIPT.build(made)
    assert sorted(found.members) == ["app/main.js", "app/words.txt"]
    assert found.definitions == ({"name": "greet"},)
    assert found.tools["esbuild"] == "1.2.3"
    assert sorted(found.inputs) == ["app/main.ts", "app/words.txt"]
