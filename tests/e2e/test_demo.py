"""``make demo``: interrupted, in a narrow terminal, without one, in a folder of an odd name; and whole, where that is asked for."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.processes import all_end
from tools import demo as shown
from tools.demo_rig import Client, Demo, end, registry, Screen, Stopped, toolchain_cache

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, str(ROOT / "tools" / "demo.py")]
WHOLE = "MPP_TEST_DEMO"
SECONDS_MAX = 600


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the demo may write: a folder with a blank and a letter beyond ASCII."""
    made = tmp_path / "démo folder"
    made.mkdir()
    return made


def surroundings(place: Path, **more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"} and not name.startswith(("MPP_", "COVERAGE"))}
    return {**kept, "TMPDIR": str(place), "TERM": "xterm", **more}


@pytest.fixture
def told(place: Path) -> tuple[Demo, io.StringIO]:
    out = io.StringIO()
    return Demo(place, Screen(out, {}), surroundings(place)), out


def test_ctrl_c_names_the_folder_and_leaves_no_process(place: Path) -> None:
    """With a home that cannot be written to, for nothing of it is used."""
    process = subprocess.Popen(
        DEMO, cwd=ROOT, env=surroundings(place, HOME="/nonexistent"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout as stream:
        text = ""
        for line in stream:
            text += line
            if "reading what the tool offers" in line or "mpp build" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        text += stream.read()
    assert process.wait(60) == 130
    assert "Stopped. What there is of it is in" in " ".join(text.split())
    assert "Traceback" not in text
    assert "\x1b" not in text
    [folder] = place.iterdir()
    assert folder.name.startswith("mpp-demo-")
    assert str(folder) in " ".join(text.split())
    assert all_end(process.pid)


def test_a_narrow_terminal_is_not_overrun_by_our_words(place: Path) -> None:
    with Terminal([*DEMO], env=surroundings(place, COLUMNS="40"), cwd=ROOT) as person:
        person.wait_for("$ mpp build")
        person.type("\x03")
        assert person.end() == 130
    ours = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in person.screen.splitlines() if re.match(r"(?:\x1b\[[0-9;]*m)?\d+\. ", line)]
    assert len(ours) >= 2
    assert max(map(len, ours)) <= 40
    assert "\x1b[1;36m1. " in person.screen


def test_a_machine_whose_home_is_fixed_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(shown, "MACHINE_FOLDER", tmp_path)
    assert shown.main() == 1
    assert "fixes the settings of this machine" in " ".join(capsys.readouterr().out.split())


def test_a_step_that_ends_otherwise_ends_the_demo(monkeypatch: pytest.MonkeyPatch, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(place))
    monkeypatch.setattr(shown, "tell_all", lambda demo: demo.run("mpp verify absent.mpp", demo.folder))
    monkeypatch.setattr(shown, "MACHINE_FOLDER", place / "absent")
    assert shown.main() == 1
    said = capsys.readouterr().out
    assert "[usage.no_file]" in said
    assert "the demo stopped: 'mpp verify absent.mpp' ended with 2, expected 0" in said
    monkeypatch.setattr(shown, "tell_all", lambda _demo: (_ for _ in ()).throw(KeyboardInterrupt))
    assert shown.main() == 130
    monkeypatch.setattr(shown, "tell_all", lambda _demo: None)
    assert shown.main() == 0


def test_output_comes_as_it_is_and_long_output_is_cut(told: tuple[Demo, io.StringIO]) -> None:
    demo, out = told
    code = "import sys; [print(n) for n in range(4)]; sys.stderr.write('last')"
    demo.run(f'{sys.executable} -c "{code}"', demo.folder, lines_max=2)
    lines = [line.strip() for line in out.getvalue().splitlines()[1:]]
    assert lines == ["0", "1", "… and 3 more lines"]
    with pytest.raises(Stopped, match="ended with"):
        demo.ask("mpp approve frobnicate --json", demo.folder)
    assert demo.environment["HOME"] == str(demo.folder)


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False), ({"FORCE_COLOR": "1", "TERM": "dumb"}, False)])  # fmt: skip
def test_colours_of_the_demo(environment: dict[str, str], coloured: bool, place: Path) -> None:
    out = io.StringIO()
    screen = Screen(out, environment)
    screen.line("words", code="1")
    assert ("\x1b" in out.getvalue()) is coloured
    assert ("FORCE_COLOR" in Demo(place, screen, environment).environment) is coloured


def test_a_screen_that_has_only_ascii(place: Path) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Screen(out, {}).shown("✓ verified …")
    out.seek(0)
    assert out.read() == "   \\u2713 verified \\u2026\n"


def test_what_goes_on_is_shown_on_a_terminal(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    screen = Screen(out, {"NO_COLOR": "1"})
    screen.spin("… 3 s")
    screen.line("done")
    assert out.getvalue().startswith("\r   … 3 s\r ")
    assert out.getvalue().endswith("\rdone\n")


SERVER = """import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked: continue
    print(json.dumps({"jsonrpc": "2.0", "method": "notifications/message"}), flush=True)
    if asked["method"] == "leave": sys.exit()
    text = asked["params"].get("arguments", {}).get("name", "")
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": [{"type": "text", "text": "Hello, " + text}]}}), flush=True)
"""


def test_the_client_starts_what_the_settings_name(told: tuple[Demo, io.StringIO]) -> None:
    demo, out = told
    (demo.folder / "server.py").write_text(SERVER)
    settings = demo.folder / "settings.json"
    entry = {"command": sys.executable, "args": [str(demo.folder / "server.py")], "env": {}}
    settings.write_text(json.dumps({"mcpServers": {"mpp": entry}}))
    client = Client(demo, settings)
    try:
        client.call("Ada", "Hello, Ada")
        with pytest.raises(Stopped, match="does not hold"):
            client.call("Ada", "Mallory")
        with pytest.raises(Stopped, match="no answer"):
            client.ask("leave", {})
    finally:
        client.close()
    assert "<- Hello, Ada" in out.getvalue()


def test_a_registry_is_ended_with_its_step(told: tuple[Demo, io.StringIO]) -> None:
    pytest.importorskip("mpp_registry", reason="the registry is not installed")
    demo, _ = told
    with pytest.raises(Stopped), registry(demo) as (url, fingerprint):
        assert url.startswith("http://127.0.0.1:")
        assert len(fingerprint) == 64
        raise Stopped


def test_a_process_that_does_not_end_is_made_to() -> None:
    code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('on', flush=True)\nsys.stdin.read()\ntime.sleep(1)\nsys.exit(3)"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    end(process)
    assert process.returncode in {3, -signal.SIGTERM}


def test_what_builds_fetch_is_kept_beside_the_packages(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(place))
    assert toolchain_cache(place / "x") == place / "cache"
    monkeypatch.setattr(sys, "prefix", str(place / "absent"))
    assert toolchain_cache(place / "x") == place / "x" / "cache"


def test_one_bit_is_flipped(place: Path) -> None:
    (place / "a").write_bytes(bytes(9))
    assert shown.flip_one_bit(place / "a", place / "b") == 3
    assert (place / "b").read_bytes() == b"\0\0\0\1\0\0\0\0\0"


@pytest.mark.skipif(not os.environ.get(WHOLE), reason=f"it takes a minute; {WHOLE}=1 runs it")
def test_the_whole_demo_twice(place: Path) -> None:
    for _ in range(2):
        begun = time.monotonic()
        done = subprocess.run(
            DEMO,
            cwd=ROOT,
            env=surroundings(place, HOME="/nonexistent"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS_MAX,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for word in (
            "mpp init",
            "mpp build",
            "mpp sign",
            "mpp publish",
            "mpp install",
            "mpp connect",
            "tools/call",
            "approval required",
            "EMAIL-",
            "content.mismatch",
            "verdict: signed",
        ):
            assert word in done.stdout, word
        assert f"Done in {time.monotonic() - begun:.0f} s"[:8] in done.stdout
    assert len(list(place.iterdir())) == 2
