"""Python projects on a layer and as a component. The component itself is made where componentize-py is installed; else its making is simulated."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.author import confined
from mpp.author.build import Built, Wishes, build_project, written_manifest
from mpp.author.languages import python_component, python_describe
from mpp.author.languages.ports import LayerFile, Toolchain
from mpp.author.project import read_project
from mpp.author.running import Done
from mpp.author.scaffold import create_project
from mpp.author.vendoring.requirements import Pin, read_asked, write_lock
from mpp.errors import HostFailed, Refused
from mpp.model.manifest import LayerRef
from mpp.stages.archive import read_archive, read_member

pytestmark = pytest.mark.skipif(not confined.landlock_version(), reason="this system has no Landlock, so the tool is not described")


def quiet(_: str) -> None:
    """Nobody watches."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(create_project("hello", lang="python", parent=str(tmp_path), publisher="Ada").folder)


@pytest.fixture
def layer(tmp_path: Path) -> LayerFile:
    (tmp_path / "layer.mpp").write_bytes(b"a signed layer")
    return LayerFile(ref=LayerRef(id="dev.example.layer", version="3.13.5", sha256="1" * 64), path=str(tmp_path / "layer.mpp"))


def build(folder: Path, layer: LayerFile | None, **more: object) -> Built:
    return build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(layer=lambda _: layer, **more))  # type: ignore[arg-type]


def members(built: Built) -> dict[str, bytes]:
    archive = read_archive(built.data)
    return {member.name: bytes(read_member(archive, member)) for member in archive.members}


def refused(folder: Path, layer: LayerFile | None, **more: object) -> Refused:
    with pytest.raises(Refused) as refusal:
        build(folder, layer, **more)
    return refusal.value


def test_a_project_on_a_layer(project: Path, layer: LayerFile) -> None:
    built = build(project, layer)
    found = members(built)
    assert {"app/main.py", "lib/mpp_sdk/__init__.py", "README.md", "manifest.json"} <= set(found)
    assert not [name for name in found if name.startswith(("tests/", ".")) or name.endswith((".pyc", ".toml"))]
    manifest = built.manifest
    assert (manifest.runtime.type, manifest.runtime.layer) == ("python", layer.ref)
    assert [(tool.name, tool.security_level) for tool in manifest.tool_definitions] == [("greet", "low")]
    sbom = json.loads(found["_mpp/sbom.cdx.json"])
    assert {one["name"] for one in sbom["components"] if one["type"] != "file"} == {"mpp-sdk", "dev.example.layer"}
    assert json.loads(found["_mpp/provenance.json"])["predicate"]["buildDefinition"]["externalParameters"]["reproducible"] is True
    assert build(project, layer).data == built.data, "the same sources give the same bytes"
    assert len(built.data) < 100_000


def test_the_layer_may_be_carried_along(project: Path, layer: LayerFile) -> None:
    python_files = members_of_output(project, layer, self_contained=True)
    assert python_files["_mpp/layer.mpp"] == b"a signed layer"
    assert "_mpp/layer.mpp" not in members_of_output(project, layer)


def members_of_output(project: Path, layer: LayerFile, **more: object) -> dict[str, bytes]:
    """What the builder gives; whether a layer is one is for the gatekeeper."""
    from mpp.author.build import _built, draft_of

    found = read_project(str(project))
    output = _built(found, draft_of(found), quiet, Wishes(layer=lambda _: layer, **more))  # type: ignore[arg-type]
    assert output is not None
    return dict(output.members)


def test_data_beside_the_sources_is_packed(project: Path, layer: LayerFile) -> None:
    (project / "app" / "words.json").write_text("{}")
    (project / "app" / "__pycache__").mkdir()
    (project / "app" / "__pycache__" / "main.pyc").write_bytes(b"x")
    assert "app/words.json" in members(build(project, layer))


@pytest.mark.parametrize(
    ("entrypoint", "code"),
    [
        ("app/other.py", "project.entrypoint"),
        ("app/a/main.py", "project.entrypoint"),
        ("app/main.txt", "project.entrypoint"),
        ("main.py", "project.entrypoint"),
    ],
)
def test_the_entrypoint_is_a_module_of_app(project: Path, layer: LayerFile, entrypoint: str, code: str) -> None:
    text = (project / "manifest.json").read_text()
    (project / "manifest.json").write_text(text.replace("app/main.py", entrypoint))
    assert refused(project, layer).code == code


def test_a_source_that_the_sdk_refuses_is_named_with_its_line(project: Path, layer: LayerFile) -> None:
    (project / "app" / "main.py").write_text("from mpp_sdk import tool\n\n\n@tool\ndef f(*x: int) -> str:\n    '''Does.'''\n    return ''\n")
    found = refused(project, layer)
    assert found.code == "project.describe"
    assert "main.py" in found.where


def test_a_source_that_cannot_be_imported(project: Path, layer: LayerFile) -> None:
    (project / "app" / "main.py").write_text("import nothing_of_that_name\n")
    found = refused(project, layer)
    assert found.code == "project.describe"
    assert "nothing_of_that_name" in found.message


def test_a_source_without_tools_needs_them_in_the_manifest(project: Path, layer: LayerFile) -> None:
    (project / "app" / "main.py").write_text("x = 1\n")
    assert refused(project, layer).code == "project.describe"
    tool = {"name": "f", "description": "Does", "parameters": {"type": "object"}, "security_level": "low"}
    manifest = json.loads((project / "manifest.json").read_text())
    (project / "manifest.json").write_text(json.dumps({**manifest, "tool_definitions": [tool]}))
    (project / "mpp.toml").write_text((project / "mpp.toml").read_text() + 'definitions = "manifest"\n')
    assert build(project, layer).manifest.tool_definitions[0].name == "f"


def test_a_module_that_hides_a_dependency(project: Path, layer: LayerFile) -> None:
    (project / "app" / "mpp_sdk.py").write_text("x = 1\n")
    assert refused(project, layer).code == "project.path"


def test_what_fails_in_the_sandbox_is_told_at_build(project: Path, layer: LayerFile) -> None:
    source = (project / "app" / "main.py").read_text()
    (project / "app" / "main.py").write_text(f"import subprocess\n{source}\n\ndef later():\n    subprocess.run(['x'])\n")
    assert any("calls subprocess.run" in words for words in build(project, layer).warnings)
    (project / "app" / "main.py").write_text(f"import ctypes\n{source}")
    found = refused(project, layer)
    assert (found.code, found.where) == ("project.import", "app/main.py:1")


def test_locked_dependencies_are_packed(project: Path, layer: LayerFile, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("lib_x/__init__.py", "def f():\n    return 'from a dependency'\n")
        archive.writestr("lib_x-1.0.dist-info/METADATA", "Name: lib-x\nLicense: MIT\n")
        archive.writestr("lib_x-1.0.data/scripts/x", "#!python")
    digest = sha256(out.getvalue()).hexdigest()
    cache = tmp_path / "python-cache"
    cache.mkdir()
    (cache / f"{digest}.whl").write_bytes(out.getvalue())
    (project / "requirements.txt").write_text("lib-x>=1\n")
    assert refused(project, layer).code == "project.lock"
    (project / "requirements.lock").write_bytes(write_lock(read_asked(str(project)), (Pin(name="lib-x", version="1.0", hashes=(digest,)),)))
    source = (project / "app" / "main.py").read_text()
    (project / "app" / "main.py").write_text(f"import lib_x\n{source}\nassert lib_x.f() == 'from a dependency'\n")
    built = build(project, layer, cache=str(cache))
    found = members(built)
    assert found["lib/lib_x/__init__.py"].startswith(b"def f")
    rows = [one for one in json.loads(found["_mpp/sbom.cdx.json"])["components"] if one["name"] == "lib-x"]
    assert rows == [{
        "type": "library", "bom-ref": "pkg:pypi/lib-x@1.0", "name": "lib-x", "version": "1.0", "purl": "pkg:pypi/lib-x@1.0",
        "hashes": [{"alg": "SHA-256", "content": digest}], "licenses": [{"license": {"name": "MIT"}}],
    }]  # fmt: skip
    assert any("runs no programs" in words for words in built.warnings)


def test_the_manifest_may_be_written_out(project: Path, layer: LayerFile) -> None:
    found = read_project(str(project))
    data = written_manifest(found, progress=quiet, wishes=Wishes(layer=lambda _: layer))
    (project / "manifest.json").write_bytes(data)
    assert json.loads(data)["tool_definitions"][0]["name"] == "greet"
    assert build(project, layer).manifest.tool_definitions[0].name == "greet"
    (project / "app" / "main.py").write_text((project / "app" / "main.py").read_text().replace("Say hello", "Say good bye"))
    assert refused(project, layer).code == "project.definitions"
    (project / "mpp.toml").write_text((project / "mpp.toml").read_text() + 'definitions = "manifest"\n')
    assert "Say hello" in build(project, layer).manifest.tool_definitions[0].description


def test_prompts_and_resources_of_a_server_come_along(project: Path, layer: LayerFile, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {
        "tools": [{"name": "f", "description": "Does", "parameters": {"type": "object"}, "security_level": "low"}], "prompts": {"prompts": []}, "resources": None,
        "files": {"mcp/a.txt": {"text": "hello"}, "mcp/b.bin": {"base64": "AAE="}, "../x": {"text": "evil"}}, "reports": [{"file": "app/main.py", "line": 3, "message": "left out"}],
    }  # fmt: skip
    monkeypatch.setattr(python_describe, "run_confined", lambda *_, **__: Done(status=0, output="", stdout=json.dumps(answer).encode()))
    found = members_of_output(project, layer)
    assert (found["mcp/a.txt"], found["mcp/b.bin"]) == (b"hello", b"\0\1")
    assert "mcp/prompts.json" in found
    assert not [name for name in found if ".." in name]


@pytest.mark.parametrize(("stdout", "status", "code"), [
    (b"no json", 1, "project.describe"), (b"[]", 0, "host.compiler_failed"), (b"", 1, "project.describe"), (b'{"tools": 1}', 0, "host.compiler_failed"),
    (b'{"errors": [{"file": "app/main.py", "line": 3, "parameter": "x", "message": "odd", "hint": ""}]}', 2, "project.describe"), (b'{"errors": [1]}', 2, "project.describe"),
    (b'{"tools": [], "files": {"mcp/x": {"base64": "!"}}}', 0, "project.describe"), (b'{"tools": [], "files": {"mcp/x": 1}}', 0, "project.describe"),
])  # fmt: skip
def test_what_is_no_description(project: Path, layer: LayerFile, monkeypatch: pytest.MonkeyPatch, stdout: bytes, status: int, code: str) -> None:
    monkeypatch.setattr(python_describe, "run_confined", lambda *_, **__: Done(status=status, output="words", stdout=stdout))
    with pytest.raises((Refused, HostFailed)) as failure:
        build(project, layer)
    assert failure.value.code == code


# --- without a layer


def chain(_: str) -> Toolchain:
    return Toolchain(name="componentize-py", version="0.0.1", folder="/nowhere", program="/nowhere/componentize_py/x.so")


def making(monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Done]) -> None:
    monkeypatch.setattr(python_component, "run_confined", lambda *_, folder, **__: make(Path(folder)))


def test_a_component_is_made_of_everything_that_is_imported(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}

    def make(stage: Path) -> Done:
        exec((stage / "app" / "mpp_bundle.py").read_text(), seen)
        assert (stage / "wit" / "tool.wit").is_file()
        assert {"mpp_component.py", "_mpp.py", "_mpp_boot.py"} <= {path.name for path in (stage / "app").iterdir()}
        (stage / "out" / "main.wasm").write_bytes(b"a component")
        return Done(status=0, output="")

    making(monkeypatch, make)
    output = output_of(project, None)
    assert dict(output.members) == {"bin/main.wasm": b"a component"}
    assert (output.reproducible, output.tools["componentize-py"]) == (False, "0.0.1")
    assert (output.code.type, output.code.entrypoint) == ("wasi-component", "bin/main.wasm")
    assert seen["ENTRY"] == "main"
    assert "mpp_sdk" in seen["LATE"]
    assert "app/main.py" in seen["FILES"]


def output_of(project: Path, layer: LayerFile | None):  # type: ignore[no-untyped-def]
    from mpp.author.build import _built, draft_of

    found = read_project(str(project))
    return _built(found, draft_of(found), quiet, Wishes(layer=lambda _: layer, toolchain=chain))


TRACE = """Traceback (most recent call last):
  File "/0/mpp_component.py", line 51, in <module>
  File "/package/app/main.py", line 7, in <module>
ModuleNotFoundError: No module named 'zoneinfo'

Caused by:
    inner things
"""


@pytest.mark.parametrize(("status", "said", "code", "where"), [
    (1, TRACE, "project.import", "app/main.py:7"), (1, TRACE.replace('"/package/app', '"/x'), "project.import", ""), (1, "broken pipe", "host.compiler_failed", ""), (0, "", "host.compiler_failed", ""),
])  # fmt: skip
def test_a_component_that_cannot_be_made(project: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str, code: str, where: str) -> None:
    making(monkeypatch, lambda _: Done(status=status, output=said))
    with pytest.raises((Refused, HostFailed)) as failure:
        output_of(project, None)
    assert (failure.value.code, failure.value.where) == (code, where)
    assert "inner things" not in failure.value.message


def test_the_target_may_be_chosen(project: Path, layer: LayerFile, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (project / "mpp.toml").read_text()
    (project / "mpp.toml").write_text(text + 'target = "layer"\n')
    assert refused(project, None).code == "project.layer"
    (project / "mpp.toml").write_text(text + 'target = "component"\n')

    def make(stage: Path) -> Done:
        (stage / "out" / "main.wasm").write_bytes(b"a component")
        return Done(status=0, output="")

    making(monkeypatch, make)
    assert output_of(project, layer).code.type == "wasi-component"
    (project / "manifest.json").write_text((project / "manifest.json").read_text().replace('"read": []', '"read": ["/data"]'))
    assert any("opens no folders" in words for words in output_of(project, layer).warnings)


def test_self_contained_needs_a_layer(project: Path) -> None:
    assert refused(project, None, self_contained=True).code == "project.layer"
