from __future__ import annotations

from pathlib import Path

import pytest

from mpp.author.toolchains import installing
from tests.cli.conftest import Mpp


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPP_TOOLCHAINS", str(tmp_path / "toolchains"))


def fake(command: list[str], env: object) -> tuple[int, str]:
    program = Path(command[command.index("--target") + 1]) / "go" / "bin" / "go"
    program.parent.mkdir(parents=True)
    program.write_text("")
    return 0, ""


def test_toolchains_are_listed(mpp: Mpp) -> None:
    rows = {row["name"]: row for row in mpp("toolchain", "list", "--json").json["toolchains"]}
    assert rows["go"]["installed"] is False
    assert rows["go"]["hint"] == "mpp toolchain install go"
    shown = mpp("toolchain", "list")
    assert shown.code == 0
    assert "not installed" in shown.out


def test_a_toolchain_is_fetched_once(mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing.install_toolchain, "__kwdefaults__", {"run": fake})
    found = mpp("toolchain", "install", "golang", "--json")
    assert (found.code, found.json["name"]) == (0, "go")
    assert "fetching go" in found.err
    assert mpp("toolchain", "install", "go").err == ""
    assert "fetching" in mpp("toolchain", "install", "go", "--again").err
    assert mpp("toolchain", "path", "go").out.strip() == found.json["program"]
    assert mpp("toolchain", "path", "go", "--json").json["path"] == found.json["program"]


def test_where_the_sdk_is(mpp: Mpp) -> None:
    folder = mpp("toolchain", "path", "sdk").out.strip()
    assert (Path(folder) / "mpp_sdk" / "__init__.py").is_file()


@pytest.mark.parametrize(("words", "code", "hint"), [
    (["install", "cobol"], 3, "zig"), (["path", "go"], 1, "mpp toolchain install go"), (["path", "cobol"], 3, "zig"), (["instal", "go"], 2, "install"),
])  # fmt: skip
def test_what_is_not_there_is_named(mpp: Mpp, words: list[str], code: int, hint: str) -> None:
    done = mpp("toolchain", *words)
    assert done.code == code
    assert hint in done.err
