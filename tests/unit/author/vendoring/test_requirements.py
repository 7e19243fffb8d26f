from __future__ import annotations

from pathlib import Path

import pytest

from mpp.author.limits import WHEELS_MAX
from mpp.author.vendoring.requirements import Asked, Pin, canonical, read_asked, read_lock, write_lock
from mpp.errors import Refused

USEFUL = [
    "lib", "lib==1.0", "lib>=1,<2", "lib ~= 1.4", "lib[extra]", "lib [a, b] >=1", "lib (>=1.0)", 'lib>=1; python_version < "3.13"', "a.b_c-d==1.0.post1+local", "lib!=1.5,>=1",
]  # fmt: skip


@pytest.mark.parametrize("line", USEFUL)
def test_names_with_versions_are_read(tmp_path: Path, line: str) -> None:
    (tmp_path / "requirements.txt").write_text(f"# what we need\n\n{line}  # why\n")
    assert read_asked(str(tmp_path)).lines == (line,)


def test_both_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["one>=1"]\n')
    (tmp_path / "requirements.txt").write_text("two\n")
    assert read_asked(str(tmp_path)).lines == ("one>=1", "two")


@pytest.mark.parametrize("text", ["", "[tool.x]\ny = 1\n", "[project]\nname = 'x'\n", "project = 1\n"])
def test_a_project_may_ask_for_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    asked = read_asked(str(tmp_path))
    assert (asked.lines, read_lock(str(tmp_path), asked)) == ((), ())


@pytest.mark.parametrize(("text", "code"), [
    ("[project", "project.toml"), ("[project]\ndependencies = 'lib'", "project.type"), ("[project]\ndependencies = [1]", "project.type"),
    ("a = " + "[" * 3000 + "]" * 3000, "project.toml"),
])  # fmt: skip
def test_a_broken_pyproject(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(Refused) as refusal:
        read_asked(str(tmp_path))
    assert refusal.value.code == code


def test_text_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff")
    with pytest.raises(Refused, match="not UTF-8"):
        read_asked(str(tmp_path))


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-e .\npydantic>=2\nmcp\nfine\n")
    with pytest.raises(Refused) as refusal:
        read_asked(str(tmp_path))
    assert [fault.where for fault in refusal.value.faults] == ["requirements.txt:1", "requirements.txt:2", "requirements.txt:3"]
    assert "mpp_sdk" in refusal.value.faults[1].hint
    assert "mpp migrate source" in refusal.value.faults[2].hint


def test_there_are_not_too_many(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("".join(f"lib{at}\n" for at in range(WHEELS_MAX + 1)))
    with pytest.raises(Refused, match="at most"):
        read_asked(str(tmp_path))


def test_a_lock_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("lib\n")
    pins = (Pin(name="a-b", version="1.0", hashes=("0" * 64, "1" * 64)), Pin(name="lib", version="2!1.0+x", hashes=("2" * 64,)))
    data = write_lock(read_asked(str(tmp_path)), pins)
    (tmp_path / "requirements.lock").write_bytes(data.replace(b" --hash", b" \\\n    --hash"))
    assert read_lock(str(tmp_path), read_asked(str(tmp_path))) == pins


def test_a_lock_has_not_too_many(tmp_path: Path) -> None:
    pins = tuple(Pin(name=f"lib{at}", version="1", hashes=("0" * 64,)) for at in range(WHEELS_MAX + 1))
    (tmp_path / "requirements.txt").write_text("lib\n")
    (tmp_path / "requirements.lock").write_bytes(write_lock(Asked(lines=("lib",)), pins))
    with pytest.raises(Refused, match="at most"):
        read_lock(str(tmp_path), Asked(lines=("lib",)))


def test_names_are_one_however_they_are_written() -> None:
    assert {canonical(name) for name in ("A.b_C", "a-B-c", "a__b..c")} == {"a-b-c"}
