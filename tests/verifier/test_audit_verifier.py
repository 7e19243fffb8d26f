"""The stand-alone verifier as a program: what it says, what it needs, how large it is; and logs that are too large for vectors."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verifier.minilog import Files, MiniLog, base64, cosign, key_of, public, tile_name, unpack, vkey
from tests.verifier.running import NODE, PAGE, SCRIPT, flags, page, python

LINES_MAX = 400
"""The script has fewer lines than this, all counted. Reason: an auditor should be able to read the whole of it in half an hour."""


COLUMNS_MAX = 160
"""And no longer lines. Reason: nobody should be tempted to keep the number of lines by their length."""

PEAK = """
import re, runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    with open("/proc/self/status") as status:
        sys.stderr.write(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1])
"""
"""The most memory that the script ever had, in kilobytes. Not by getrusage: that counts what the parent had before it started us."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from /proc")


def ask(folder: Path, *more: str) -> dict[str, object]:
    done = python("log", str(folder), "--json", *more)
    assert done.returncode in {0, 1}, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_the_script_is_one_short_file_that_imports_nothing_of_ours() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    imported = {name.name.partition(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for name in node.names}
    imported |= {(node.module or "").partition(".")[0] for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert imported - {*sys.stdlib_module_names} == set()
    assert len(text.splitlines()) < LINES_MAX
    assert max(len(line) for line in text.splitlines()) <= COLUMNS_MAX


def test_it_runs_where_mpp_is_not_installed(tmp_path: Path) -> None:
    shutil.copy(SCRIPT, tmp_path)
    folder = unpack(MiniLog().fill(2).write(), tmp_path / "log")
    code = "import sys, runpy; sys.modules['mpp'] = None; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = subprocess.run([sys.executable, "-I", "-c", code, str(tmp_path / SCRIPT.name), "log", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:3] == ["ok: True", "verdict: signed", "size: 3"]


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_it_runs_on_other_pythons(version: str, tmp_path: Path) -> None:
    start = [f"python{version}", "-I"]
    try:
        is_there = subprocess.run([*start, "-c", ""], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        is_there = False
    if not is_there:
        pytest.skip(f"there is no Python {version} here")
    log = MiniLog().fill(3).rotate().fill(2)
    folder = unpack({**log.write(packs=[0]), "witnessed": cosign(log.checkpoint(), "w1")}, tmp_path)
    done = subprocess.run(
        [*start, "-W", "error", str(SCRIPT), "log", str(folder), "--thorough", "--witness", vkey("w1", 4, key_of("w1"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "\nverdict: witnessed\n" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["log"],
        ["log", "/nowhere"],
        ["log", ".", "--log-id", "12"],
        ["log", ".", "--witness", "w1"],
        ["log", ".", "--quorum", "1"],
        ["log", ".", "--witness", vkey("w1", 4, key_of("w1")), "--quorum", "2"],
        ["log", ".", "--witness", vkey("w1", 1, key_of("w1"))],
        ["log", ".", "--require", "certain"],
        ["log", ".", "--anchor", "/nowhere"],
        ["proof", "/nowhere"],
        ["checkpoint", "/nowhere", "--host-key", base64(public(key_of("host")))],
        ["checkpoint", "/nowhere"],
        ["checkpoint", "/nowhere", "--host-key", base64(bytes(32))],
        ["checkpoint", "/nowhere", "--host-key", vkey("w1", 4, key_of("w1"))],
    ],
)
def test_what_it_cannot_be_asked_is_2(given: list[str], tmp_path: Path) -> None:
    folder = str(unpack(MiniLog().write(), tmp_path))
    done = python(*[folder if word == "." else word for word in given])
    assert done.returncode == 2
    assert "error" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("level", "code"), [("chained", 0), ("signed", 0), ("anchored", 1), ("witnessed", 1)])
def test_less_than_required_is_1(level: str, code: int, tmp_path: Path) -> None:
    folder = unpack(MiniLog().fill(2).write(), tmp_path)
    assert python("log", str(folder), "--require", level).returncode == code


def test_words_say_verdict_place_and_reason(tmp_path: Path) -> None:
    log = MiniLog().fill(3).rotate().fill(3)
    files = log.write()
    name = f"segments/{0:016d}.jsonl"
    files[name] = files[name].replace(b"reason 2", b"reason 9")
    done = python("log", str(unpack(files, tmp_path)))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[:2] == ["ok: False", "verdict: broken"]
    assert "covers: chained 2, signed 0, anchored 0, witnessed 0" in lines
    where = f"file {name}, entry 2, offset {files[name].index(log.lines[3])}"
    assert f"faults: code audit.chain, {where}, why entry 3 does not follow from entry 2: entry 2 was changed" in lines


def test_names_of_files_cannot_play_with_the_terminal(tmp_path: Path) -> None:
    folder = unpack(MiniLog().write(), tmp_path / "log")
    anchor = tmp_path / "a\x1b[2J\nverdict: signed"
    anchor.write_bytes(b"noise")
    done = python("log", str(folder), "--anchor", str(anchor))
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "\nverdict: signed" not in done.stdout


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder = unpack(MiniLog().write(), tmp_path / "log")
    (folder / "witnessed").symlink_to("/dev/zero")
    assert ask(folder)["verdict"] == "signed"


@pytest.fixture(scope="module")
def large() -> MiniLog:
    return MiniLog().fill(598).rotate().fill(200)


def both(folder: Path, mode: str = "deep") -> list[dict[str, object]]:
    """The script and, where there is Node, the page."""
    found: list[object] = [ask(folder, *flags(mode))]
    if NODE is not None:
        found += page([{"command": "log", "file": str(folder), "want": {"mode": mode}}])
    return [one for one in found if isinstance(one, dict)]


@pytest.mark.parametrize("mode", ["fast", "deep", "thorough"])
def test_whole_tiles_hold(large: MiniLog, mode: str, tmp_path: Path) -> None:
    folder = unpack(large.write(), tmp_path)
    assert (folder / "tile/0/002").stat().st_size == 8192
    for found in both(folder, mode):
        assert (found["verdict"], found["size"]) == ("signed", 800), found
    for found in both(unpack(large.write(prunes=[0]), tmp_path / "pruned"), mode):
        assert (found["verdict"], found["size"]) == ("signed", 800), found


def test_a_whole_tile_that_was_changed_is_found(large: MiniLog, tmp_path: Path) -> None:
    files = large.write()
    files["tile/0/001"] = files["tile/0/001"][:64] + b"\1" + files["tile/0/001"][65:]
    for found in both(unpack(files, tmp_path)):
        assert found["faults"] == [{"code": "audit.tile", "file": "tile/0/001", "entry": 258, "offset": 64, "why": "the tile is not what the entries give"}]


def test_names_of_tiles_are_those_of_the_specification() -> None:
    assert tile_name(0, 1234) == "tile/0/x001/234"
    assert tile_name(2, 7) == "tile/2/007"
    assert tile_name(1, 1_234_567) == "tile/1/x001/x234/567"


@needs_proc
def test_a_small_file_that_becomes_large_costs_little(tmp_path: Path) -> None:
    import zlib

    log = MiniLog().fill(3).rotate()
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(pack.compress(bytes(1 << 20)) for _ in range(300)), pack.flush()])
    files: Files = {**log.write(packs=[0]), f"segments/{0:016d}.jsonl.gz": bomb}
    folder = unpack(files, tmp_path)
    done = subprocess.run([sys.executable, "-c", PEAK, str(SCRIPT), "log", str(folder), "--json"], capture_output=True, text=True, check=False)
    assert int(done.stderr) < 100_000, "kilobytes at the peak"
    assert not json.loads(done.stdout)["ok"]


@needs_proc
def test_memory_is_flat(tmp_path: Path) -> None:
    peaks = []
    for count in (2_000, 60_000):
        log = MiniLog().fill(count)
        folder = unpack(log.write(tiles=False), tmp_path / str(count))
        done = subprocess.run([sys.executable, "-c", PEAK, str(SCRIPT), "log", str(folder), "--json"], capture_output=True, text=True, check=False)
        assert json.loads(done.stdout)["verdict"] == "signed"
        peaks.append(int(done.stderr))
    assert peaks[1] - peaks[0] < 12_000, "kilobytes: sixteen megabytes of entries are never in memory together"


def test_both_know_the_kinds_of_events_that_the_product_writes() -> None:
    from mpp.model.events import COMMITS, KINDS

    for path in (SCRIPT, PAGE):
        text = path.read_text(encoding="utf-8")
        found = re.search(r'"(decision[ |]question[ |][a-z\-| ]+)"[^"]*"[ |]([a-z\-| ]+)"', text)
        assert found is not None
        assert sorted(re.split("[ |]", f"{found[1]} {found[2]}")) == sorted(KINDS)
        assert all(f'"{name}"' in text for name in COMMITS)


def test_the_page_is_alone() -> None:
    text = PAGE.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'")
    assert re.findall(r"https?:|\bsrc=|\bhref=|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|importScripts|innerHTML|\beval\(", text) == []


def test_the_page_can_be_used_without_a_mouse() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fields = set(re.findall(r'<(?:input|select|textarea) id="(\w+)"', text))
    assert fields == set(re.findall(r'<label for="(\w+)"', text))
    assert len(fields) >= 9
    assert 'lang="en"' in text
    assert "aria-live" in text
    assert ":focus-visible" in text
    assert "prefers-color-scheme: dark" in text
