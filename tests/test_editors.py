"""The extension for editors: what it declares is what it does, what is built is what is written, and its client speaks with a real ``mpp``."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.editors_world import HOSTILE, World

NODE = shutil.which("node")
NODE_LEAST = (20, 15)
"""The version of node that knows all that the scripts call."""
MPP = Path(sys.executable).with_name("mpp")
SECONDS_MAX = 120
SYMBOLS = {"https://schemas.microsoft.com", "http://schemas.microsoft.com", "http://schemas.openxmlformats.org", "http://www.w3.org"}
"""Names of document types; nobody is asked for them."""


@pytest.fixture(scope="module")
def place() -> Path:
    return Path(__file__).resolve().parent.parent / "editors" / "vscode"


@pytest.fixture(scope="module")
def manifest(place: Path) -> Any:
    return json.loads((place / "package.json").read_text())


def node(*words: object, where: Path) -> subprocess.CompletedProcess[str]:
    if NODE is None:
        pytest.skip("node is not installed; the extension's own tests need it")
    told = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
    if tuple(int(one) for one in re.findall(r"\d+", told)[:2]) < NODE_LEAST:
        pytest.skip(f"node is {told.strip()}; the extension's scripts need {'.'.join(map(str, NODE_LEAST))}")
    return subprocess.run([NODE, *map(str, words)], cwd=where, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=SECONDS_MAX)


def sources(place: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((place / "src").glob("*.ts"))}


def test_what_is_built_is_what_is_written(place: Path) -> None:
    found = {
        f"{folder}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("src", "dist")
        for path in sorted((place / folder).iterdir())
        if path.name != "digests.json"
    }
    assert json.loads((place / "dist" / "digests.json").read_text()) == found, "run: npm ci && node build.mjs"


def test_each_command_is_registered_and_has_a_title(place: Path, manifest: Any) -> None:
    table = re.search(r"const commands: .*?= \{(.*?)\n  \};", sources(place)["extension.ts"], re.DOTALL)
    assert table is not None
    registered = re.findall(r'^    "(mpp\.[\w.]+)":', table.group(1), re.MULTILINE)
    contributed = {one["command"]: one for one in manifest["contributes"]["commands"]}
    assert sorted(registered) == sorted(contributed)
    assert all(one["title"] and one["category"] == "MPP" for one in contributed.values())
    used = {row["command"] for rows in manifest["contributes"]["menus"].values() for row in rows}
    links = set(re.findall(r"\(command:(mpp\.[\w.]+)\)", json.dumps(manifest["contributes"]["viewsWelcome"])))
    assert (used | links) <= contributed.keys()


def test_each_setting_is_described_and_out_of_reach_of_a_workspace(place: Path, manifest: Any) -> None:
    settings = manifest["contributes"]["configuration"]["properties"]
    assert all(one["scope"] == "machine" and one["description"] and "default" in one for one in settings.values())
    assert sorted(manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]) == sorted(settings)
    read = set(re.findall(r'desk\.(?:setting|flag|number)\("([\w.]+)"|this\.setting\("([\w.]+)"', "".join(sources(place).values())))
    assert {f"mpp.{one or other}" for one, other in read} == settings.keys(), "each is read, and no other"


def test_it_is_held_where_a_workspace_is_not_trusted(manifest: Any) -> None:
    assert manifest["capabilities"]["untrustedWorkspaces"]["supported"] == "limited"
    assert manifest["extensionKind"] == ["workspace"]


def test_it_needs_nothing_and_asks_nobody(place: Path, manifest: Any) -> None:
    assert "dependencies" not in manifest
    assert {one for one in manifest["devDependencies"] if not one.startswith("@types/")} == {"typescript"}
    for path in [*place.glob("*.*"), *place.glob("src/*"), *place.glob("dist/*"), *place.glob("media/*")]:
        if not path.is_file():
            continue
        found = {"/".join(url.split("/")[:3]) for url in re.findall(r"https?://[\w.-]+", path.read_text())}
        assert found <= SYMBOLS | ({"https://registry.npmjs.org"} if path.name == "package-lock.json" else set()), path.name
    for name, text in sources(place).items():
        # Attack: a word of a stranger that becomes code, a command line or a page.
        assert re.search(r"shell: true|\bexec(File|Sync)?\(|\beval\(|new Function|createWebviewPanel|MarkdownString|fetch\(|node:https?", text) is None, name


def test_its_own_tests(place: Path, manifest: Any) -> None:
    words = manifest["scripts"]["test"].split()
    assert words[:2] == ["node", "--test"]
    ran = node(*words[1:], where=place)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    passed = re.search(r"^. pass (\d+)$", ran.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed.group(1)) >= 25, "each was run"


def test_the_package_is_the_same_bytes_each_time(place: Path, tmp_path: Path, manifest: Any) -> None:
    for name in ("a.vsix", "b.vsix"):
        ran = node("pack.mjs", tmp_path / name, where=place)
        assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "a.vsix").read_bytes() == (tmp_path / "b.vsix").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.vsix") as packed:
        assert packed.testzip() is None
        names = set(packed.namelist())
        assert {
            "extension/package.json",
            "extension/README.md",
            "extension/LICENSE.txt",
            "extension/media/mpp.svg",
            f"extension/{manifest['main'][2:]}",
        } <= names
        assert {name for name in names if name.startswith("extension/dist/")} == {f"extension/dist/{path.name}" for path in (place / "dist").glob("*.js")}
        assert not any("test" in name or "node_modules" in name or name.endswith(".ts") for name in names)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    found = World(tmp_path_factory.mktemp("editors"))
    found.make()
    return found


def test_its_client_and_a_real_home(place: Path, world: World, tmp_path: Path) -> None:
    if not MPP.is_file():
        pytest.skip(f"there is no {MPP}; the extension starts that program")
    ran = node("test/real-client.mjs", MPP, world.home, world.key, world.package, tmp_path / "proof.json", where=place)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    (package,) = found["packages"]
    assert package["label"] == "com.example.hello 0.1.0"
    assert [row["label"] for row in package["below"]][:3] == ['publisher "Ada Example"', "hello__greet", "May send requests to api.example.com over HTTPS."]
    _answers_are_signed_and_hold(found, world)
    assert [row["icon"] for row in found["calls"]].count("pass") == 1
    assert any("policy.denied" in row["note"] for row in found["calls"])
    assert found["denied"] == 1
    assert "com.example.hello/greet, because of policy" in found["story"]
    assert "5 ✓ signature and publisher" in found["verified"]
    assert "verified: com.example.hello 0.1.0" in found["verified"]
    assert "May send requests to api.example.com over HTTPS." in found["inspected"]
    assert (found["record"], found["search"]) == ("signed", "registry.unknown")
    world.done("audit", "verify-proof", tmp_path / "proof.json")


def _answers_are_signed_and_hold(found: Any, world: World) -> None:
    assert len(found["pending"]) == 2
    assert (found["left"], found["refused"]) == (0, "approval.unknown")
    hostile, gwen = found["asked"]
    assert hostile["choices"] == gwen["choices"] == ["details", "no", "yes"]
    assert "\u202e" in HOSTILE
    assert "\u202e" not in hostile["text"]
    assert "\\u202e" in hostile["text"]
    assert [words.split(" (")[0] for words in found["told"]] == ["Denied", "Approved, for one call"]
    entries = json.loads(world.mpp("audit", "search", "--kind", "answer", "--json").out)["entries"]
    assert [(one["body"]["answer"], one["body"]["signed"], one["body"]["approver"].split(":")[0], one["body"]["scope"]) for one in entries] == [
        ("no", False, "user", "once"), ("yes", True, "ada", "once"),
    ]  # fmt: skip
    assert (world.call("Gwen"), world.call("Gwen"), world.call(HOSTILE)) == (0, 24, 24), "one call, once; a no holds"
