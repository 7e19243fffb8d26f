"""Building from a ready module or from sources; what the compiler does is tested with compile."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest

from mpp.author import build as building
from mpp.author import compile as compiling
from mpp.author import limits
from mpp.author.build import Wishes, build_project, draft_of, output_name
from mpp.author.draft import completed
from mpp.author.project import read_project
from mpp.author.provenance import Recipe, write_provenance
from mpp.author.sbom import write_sbom
from mpp.errors import Refused
from mpp.model.jsontext import Json
from mpp.model.manifest import parse_manifest
from mpp.stages.archive import MANIFEST_NAME, PROVENANCE_NAME, SBOM_NAME, read_archive, read_member, seal
from mpp.stages.archive import limits as archive_limits
from mpp.testing.packages import ENTRYPOINT, files, manifest
from mpp.testing.wasm import module

KEY = "pub_" + "0123456789abcdef"


def project(folder: Path, changes: dict[str, Json] | None = None, toml: str = "") -> Path:
    (folder / "assets").mkdir(parents=True)
    (folder / "manifest.json").write_bytes(files(changes)["manifest.json"])
    (folder / "README.md").write_bytes(b"# hello\n")
    (folder / "assets" / "a.txt").write_bytes(b"a")
    (folder / "secret.txt").write_bytes(b"not packed")
    (folder / "mpp.toml").write_text(toml)
    (folder / "ready.wasm").write_bytes(module())
    return folder


def members(data: bytes) -> dict[str, bytes]:
    archive = read_archive(data)
    return {member.name: read_member(archive, member) for member in archive.members}


def quiet(_: str) -> None:
    """Nobody watches."""


def test_a_ready_module_is_packed(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    said: list[str] = []
    built = build_project(read_project(str(folder)), progress=said.append, wishes=Wishes(wasm=str(folder / "ready.wasm")))
    found = members(built.data)
    assert set(found) == {MANIFEST_NAME, ENTRYPOINT, "README.md", "assets/a.txt", SBOM_NAME, PROVENANCE_NAME}
    assert found[ENTRYPOINT] == module()
    assert found[MANIFEST_NAME] == (folder / "manifest.json").read_bytes()
    assert built.content_hash == sha256(built.data).hexdigest()
    assert (built.name, built.warnings, said) == ("hello-0.1.0.mpp", (), ["packing"])
    assert output_name(read_project(str(folder))) == built.name
    recipe = json.loads(found[PROVENANCE_NAME])["predicate"]["buildDefinition"]["externalParameters"]
    assert recipe == {"arguments": [], "language": "prebuilt", "reproducible": False}


def test_building_twice_elsewhere_gives_the_same_bytes(tmp_path: Path) -> None:
    made = [
        build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(wasm=str(folder / "ready.wasm"))).data
        for folder in (project(tmp_path / "1"), project(tmp_path / "2"))
    ]
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]


def test_sources_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "p", toml='[build]\nlanguage = "c"\nsources = ["main.c"]\n')
    (folder / "main.c").write_bytes(b"int main(void) { return 0; }\n")
    (folder / "table.bin").write_bytes(b"1")
    monkeypatch.setattr(compiling, "compile_project", lambda *_, **__: compiling.Compiled(module(), ("main.c", "table.bin")))
    monkeypatch.setattr(compiling, "compiler_tools", lambda: {"zig": "1.2.3"})
    found = members(build_project(read_project(str(folder)), progress=quiet).data)
    definition = json.loads(found[PROVENANCE_NAME])["predicate"]
    assert definition["buildDefinition"]["externalParameters"]["language"] == "c"
    assert [one["name"] for one in definition["buildDefinition"]["resolvedDependencies"]] == ["main.c", "table.bin"]
    assert definition["runDetails"]["builder"]["version"] == {"zig": "1.2.3"}
    assert "main.c" not in found


LAYER: dict[str, Json] = {"id": "com.example.python", "version": "3.13.0", "sha256": "0" * 64}
PYTHON: dict[str, Json] = {"runtime/type": "python", "runtime/entrypoint": "src/main.py", "runtime/layer": LAYER}


def test_an_interpreted_tool_ships_its_sources(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", PYTHON, '[build]\nassets = ["src/**"]\n')
    with pytest.raises(Refused) as refusal:
        build_project(read_project(str(folder)), progress=quiet)
    assert refusal.value.code == "project.entrypoint"
    (folder / "src").mkdir()
    (folder / "src" / "main.py").write_bytes(b"print()\n")
    built = build_project(read_project(str(folder)), progress=quiet)
    assert set(members(built.data)) == {MANIFEST_NAME, "src/main.py", SBOM_NAME, PROVENANCE_NAME}


def test_faults_of_the_manifest_come_before_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project(tmp_path / "p", {"surprise": 1, "version": "one"})
    monkeypatch.setattr(compiling, "compile_project", lambda *_, **__: pytest.fail("compiled"))
    with pytest.raises(Refused) as refusal:
        build_project(read_project(str(folder)), progress=quiet)
    assert len(refusal.value.faults) == 2


def test_a_module_that_no_host_takes_is_not_packed(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    (folder / "ready.wasm").write_bytes(b"\x7fELF")
    with pytest.raises(Refused) as refusal:
        build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(wasm=str(folder / "ready.wasm")))
    assert refusal.value.family.stage == "gatekeeper"


def sealed(data: bytes) -> bytes:
    """With the largest seal that a package may have."""
    return seal(read_archive(data), b"p" * archive_limits.PUBLISHER_BYTES_MAX, b"s" * archive_limits.SIGNATURE_BYTES_MAX)


@pytest.mark.parametrize(("most", "refused"), [(8, False), (7, True)])
def test_room_for_the_two_members_of_the_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, refused: bool) -> None:
    """Six members are built; a signature makes eight of them."""
    folder = project(tmp_path / "p")
    monkeypatch.setattr(building, "ENTRIES_MAX", most)
    monkeypatch.setattr(archive_limits, "ENTRIES_MAX", most)
    if refused:
        with pytest.raises(Refused, match=r"size\.entries"):
            build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(wasm=str(folder / "ready.wasm")))
    else:
        sealed(build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(wasm=str(folder / "ready.wasm"))).data)


@pytest.mark.parametrize("files_of", [(100000, 1), (1, 300), (0, 300)])
def test_room_for_the_bytes_of_the_seal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files_of: tuple[int, int]) -> None:
    """Whatever is built near the limit can be sealed; the first byte too many is refused."""
    folder = project(tmp_path / "p")
    size, count = files_of
    for i in range(count):
        (folder / "assets" / f"{i}").write_bytes(random.Random(i).randbytes(size))

    def built() -> bytes:
        return build_project(read_project(str(folder)), progress=quiet, wishes=Wishes(wasm=str(folder / "ready.wasm"))).data

    most = sum(map(len, members(built()).values())) + limits.SEAL_BYTES_MAX
    for place in (building, archive_limits):
        monkeypatch.setattr(place, "TOTAL_BYTES_MAX", most)
    sealed(built())
    monkeypatch.setattr(building, "TOTAL_BYTES_MAX", most - 1)
    with pytest.raises(Refused, match=r"size\.total"):
        built()


def test_a_key_id_is_filled_in(tmp_path: Path) -> None:
    found = read_project(str(project(tmp_path / "p")))
    filled = completed(draft_of(found), None, key_id=KEY)
    assert parse_manifest(filled).publisher.verified_key_id == KEY
    assert completed(draft_of(found), None) == Path(found.manifest_path).read_bytes()
    assert filled.endswith(b"}\n")


@pytest.mark.parametrize("text", ["[]", "{}", '{"publisher": "Ada"}'])
def test_a_manifest_needs_a_publisher_block(tmp_path: Path, text: str) -> None:
    folder = project(tmp_path / "p")
    (folder / "manifest.json").write_text(text)
    with pytest.raises(Refused) as refusal:
        draft_of(read_project(str(folder)))
    assert refusal.value.code in {"manifest.missing", "manifest.type"}


# --- the two documents that a build adds


def test_the_bill_of_materials() -> None:
    parsed = parse_manifest(json.dumps(manifest()).encode())
    document = json.loads(write_sbom(parsed, {"b": b"2", "a": b"1"}, {"zig": "1", "clang": "2"}))
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert [one["name"] for one in document["components"]] == ["a", "b"]
    assert document["components"][0]["hashes"] == [{"alg": "SHA-256", "content": sha256(b"1").hexdigest()}]
    assert [one["name"] for one in document["metadata"]["tools"]["components"]] == ["clang", "zig"]
    assert document["metadata"]["component"]["purl"] == "pkg:generic/com.example.hello@0.1.0"
    assert document["metadata"]["component"]["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    assert document["dependencies"][0]["dependsOn"] == ["file:a", "file:b"]
    assert not {"serialNumber", "timestamp"} & {*document, *document["metadata"]}


def test_a_bill_of_materials_without_a_licence() -> None:
    parsed = parse_manifest(json.dumps(manifest({"license": None})).encode())
    assert "licenses" not in json.loads(write_sbom(parsed, {}, {}))["metadata"]["component"]


def test_both_documents_do_not_depend_on_order() -> None:
    parsed = parse_manifest(json.dumps(manifest()).encode())
    assert write_sbom(parsed, {"a": b"", "b": b""}, {"x": "1", "y": "2"}) == write_sbom(parsed, {"b": b"", "a": b""}, {"y": "2", "x": "1"})
    one, two = (Recipe(language="c", reproducible=True, parameters=("-O2",), tools=dict(rows), sources=dict(sources)) for rows, sources in (([("a", "1"), ("b", "2")], [("x", b""), ("y", b"")]), ([("b", "2"), ("a", "1")], [("y", b""), ("x", b"")])))  # fmt: skip
    assert write_provenance(one) == write_provenance(two)
    assert json.loads(write_provenance(one))["predicateType"] == "https://slsa.dev/provenance/v1"
