"""The state of home and machine in the console; what starts a process runs only when somebody asks for it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from mpp.console import checking
from mpp.console.checking import Checks, COMMANDS
from mpp.console.pages import health as page_of_health
from mpp.console.views.health import barriers_of, disk_of, FREE_BAD, FREE_CAREFUL, KEY_OLD_SECONDS, verified_of
from mpp.errors import HostFailed
from mpp.host.host_key import host_key
from mpp.host.withdrawn import remember, Status
from mpp.remote.config import Config, ConfigFile, Registry, with_registry
from mpp.remote.memory import MemoryFile
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW
from tests.unit.console.conftest import Console, make_console
from tests.unit.console.hostile import HOSTILE, is_harmless

DOCTOR = {
    "ok": True, "verdict": {"words": "yes, without filesystem rights", "can_run": True, "with_files": False, "todo": ["landlock: use Linux 6.2"]}, "call": None,
    "barriers": [
        {"name": "seccomp", "state": "holds", "required": True, "evidence": ["open /etc/passwd: EPERM"], "lost": "all is open", "remedy": "x"},
        {"name": "landlock", "state": "missing", "required": False, "evidence": ["not there"], "lost": "no tool gets files", "remedy": "use Linux 6.2"},
    ],
    "surroundings": [{"name": "agent", "state": "note", "text": "runs as you", "remedy": "run it as another user"}],
}  # fmt: skip


@pytest.fixture
def saying(monkeypatch: pytest.MonkeyPatch) -> object:
    """A program in the place of ours, which says what the test wants."""

    def says(text: str, *, words: Sequence[str] = ()) -> None:
        monkeypatch.setattr(checking, "_START", (sys.executable, "-c", f"import sys; sys.stdout.write({text!r})", *words))

    return says


def test_a_new_home(console: Console) -> None:
    page = console.get("/health")
    assert page.status == 200
    for words in (
        "Nobody has tried them since",
        "There is none yet: it begins",
        "No registry is known",
        "There are none yet.",
        "not there",
        "model-package-protocol",
        "wasmtime",
    ):
        assert words in page.words, words


def test_no_process_is_started_by_a_page(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object, **_more: object) -> None:
        raise AssertionError

    monkeypatch.setattr(checking.subprocess, "Popen", refuse)
    assert console.get("/health").status == 200


def test_what_the_barriers_said_stands_with_its_time(console: Console, saying) -> None:
    saying(json.dumps(DOCTOR))
    console.clock.moment = NOW + 60
    page = console.follow(console.post("/health/check"))
    assert "The barriers were tried just now." in page.words
    for words in (
        "yes, without filesystem rights as tried at 2026-01-01 00:01:00 UTC",
        "seccomp holds 1 attempt open /etc/passwd: EPERM",
        "Without it: no tool gets files",
    ):
        assert words in page.words, words
    assert "Without it: all is open" not in page.words
    assert "agent note runs as you" in page.words
    console.clock.moment = NOW + 3600
    assert "2026-01-01 00:01:00 UTC" in console.get("/health").words


def test_the_real_commands_answer(busy: Console) -> None:
    """Both are run as a person would: the machine's own barriers, and the record of this home."""
    page = busy.follow(busy.post("/health/verify"))
    assert "signed" in page.words.partition("Record")[2]
    assert "entries stand under signatures" in page.words
    assert "Log id" in page.words
    checked = busy.follow(busy.post("/health/check"))
    assert "Tools can run:" in checked.words
    assert "seccomp" in checked.words


def test_a_record_that_does_not_hold_is_said(busy: Console) -> None:
    segment = next(path for path in Path(busy.desk.home.log.segments).iterdir() if path.suffix == ".jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"intruder", b"intrudes"))
    page = busy.follow(busy.post("/health/verify"))
    assert '<span class="badge bad">broken</span>' in page.text
    assert "audit." in page.words


def test_a_record_that_is_not_there(console: Console) -> None:
    page = console.follow(console.post("/health/verify"))
    assert "there is no record here" in page.words


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '"x"'])
def test_a_command_that_says_nothing_sensible(console: Console, saying, text: str) -> None:
    saying(text)
    page = console.post("/health/check")
    assert page.status == 503
    assert "gave no answer" in page.words
    assert "Nobody has tried them" in console.get("/health").words


def test_a_command_that_does_not_end_is_ended(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "SECONDS_MAX", 0.3)
    monkeypatch.setattr(checking, "_START", (sys.executable, "-c", "import time; time.sleep(60)"))
    with pytest.raises(HostFailed):
        Checks(console.desk).run("doctor")


def test_a_command_that_says_too_much_is_ended(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "ANSWER_BYTES_MAX", 1000)
    monkeypatch.setattr(checking, "_START", (sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 100)"))
    with pytest.raises(HostFailed):
        Checks(console.desk).run("doctor")


def test_one_run_at_a_time(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    checks, begun, end = Checks(console.desk), threading.Event(), threading.Event()

    def slow(_words: object, _home: str) -> dict[str, object]:
        begun.set()
        end.wait(10)
        return {}

    monkeypatch.setattr(checking, "_answer", slow)
    thread = threading.Thread(target=checks.run, args=("doctor",))
    thread.start()
    assert begun.wait(10)
    assert checks.run("doctor") is None
    end.set()
    thread.join()
    assert checks.run("doctor") is not None


def test_one_that_runs_already_is_not_started_again(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Checks, "run", lambda _self, _name: None)
    assert page_of_health.BUSY in console.follow(console.post("/health/check")).words


def test_nothing_of_a_request_comes_into_a_command() -> None:
    assert {name: [*words] for name, words in COMMANDS.items()} == {"doctor": ["doctor", "--json"], "record": ["audit", "verify", "--json"]}


def test_stores_keys_and_disk(busy: Console) -> None:
    host_key(busy.desk.home)
    keys = busy.home / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    old = keys / "publisher.key"
    old.write_text("x")
    old.chmod(0o644)
    os.utime(old, (busy.desk.now() - KEY_OLD_SECONDS - 5,) * 2)
    page = busy.get("/health")
    assert "publisher.key a publisher's" in page.words
    assert "old others too" in page.words
    assert "host.key this host, for what it vouches for" in page.words
    assert "free of" in page.words
    assert "entries in 1 segment" in page.words


def test_a_store_that_cannot_be_read_says_why(console: Console) -> None:
    Path(console.desk.home.lockfile).write_text("{")
    (console.home / "policy").mkdir(mode=0o700)
    (console.home / "policy" / "policy.toml").write_text("x = ")
    (console.home / "legacy").mkdir()
    (console.home / "legacy" / "servers.json").write_text("[")
    words = console.get("/health").words
    assert "packages installed files cannot be read" in words
    assert "policy policies and stops cannot be read" in words
    assert "host.legacy" in words


def test_a_store_of_very_many_files_is_said_to_be_at_least_so_large(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_of_health, "FILES_COUNTED_MAX", 2)
    (console.home / "cache").mkdir()
    for number in range(5):
        (console.home / "cache" / str(number)).write_bytes(b"x" * 100)
    assert "at least 200 bytes" in console.get("/health").words


def test_registries_and_the_last_look(console: Console) -> None:
    who = publisher("Corp registry")
    other = publisher("Another registry")
    file = ConfigFile(console.desk.home.registries)
    file.change(lambda config: with_registry(config, Registry(name="corp", url="https://packages.example.com", registry_id=who.id), default=True))
    file.change(lambda config: with_registry(config, Registry(name="other", url="https://other.example.com", registry_id=other.id), default=False))
    MemoryFile(str(console.home / "registries"), who.id).begin(who.chain)
    (console.home / "registries" / f"{other.id}.json").write_text("{")
    remember(console.desk.home, "a" * 64, Status(package_id="com.example.x", version="1.0.0", registry="corp", status="active", at=NOW, stale=True))
    words = console.get("/health").words
    for said in ("corp usual", "nothing was seen yet", "were looked up last at", "1 version stale", "other", "unknown"):
        assert said in words, said
    assert isinstance(file.load(), Config)


def test_a_configuration_that_cannot_be_read(console: Console) -> None:
    Path(console.desk.home.registries).write_text("x = ")
    page = console.get("/health")
    assert page.status == 200
    assert "No registry is known" not in page.words


def test_a_console_that_only_shows_may_check(tmp_path: Path, saying) -> None:
    saying(json.dumps(DOCTOR))
    assert make_console(tmp_path / "home", read_only=True).post("/health/check").status == 303


def test_a_form_from_elsewhere_starts_nothing(console: Console) -> None:
    assert console.post("/health/check", form_token="wrong").status == 403
    assert console.get("/health/check").status == 405


def test_hostile_words_of_a_command_are_words(console: Console, saying) -> None:
    hostile = json.loads(json.dumps(DOCTOR).replace("EPERM", "E"))
    hostile["verdict"]["todo"] = [HOSTILE]
    hostile["verdict"]["words"] = HOSTILE
    hostile["call"] = {"message": HOSTILE}
    hostile["barriers"][1] = dict.fromkeys(("name", "state", "lost", "remedy"), HOSTILE) | {"evidence": [HOSTILE, 7]}
    hostile["surroundings"] = [dict.fromkeys(("name", "state", "text", "remedy"), HOSTILE), 3]
    saying(json.dumps(hostile))
    assert is_harmless(console.follow(console.post("/health/check")))
    saying(json.dumps({"verdict": "signed", "reason": HOSTILE, "log_id": HOSTILE, "notes": [HOSTILE], "faults": [{"code": HOSTILE, "message": HOSTILE}]}))
    assert is_harmless(console.follow(console.post("/health/verify")))


def test_answers_of_another_form_are_taken_with_care() -> None:
    assert barriers_of({"verdict": 7, "barriers": "x", "surroundings": None, "call": 1}, 5).words == "unknown"
    assert barriers_of({"call": 1}, 5).fault == "the trial call failed"
    assert verified_of({}, 5).level == "unknown"
    assert verified_of({"verdict": "signed", "covered": {"signed": 7}}, 5).entries == 7


def test_what_is_free_has_a_tone() -> None:
    assert [disk_of(free, 10**12).tone for free in (FREE_BAD - 1, FREE_CAREFUL - 1, FREE_CAREFUL)] == ["bad", "careful", "good"]


def test_a_disk_that_does_not_answer(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_path: str) -> None:
        raise OSError

    monkeypatch.setattr(page_of_health.shutil, "disk_usage", gone)
    assert "0 bytes free of 0 bytes" in console.get("/health").words
