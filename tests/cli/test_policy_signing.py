"""``mpp policy sign`` and ``pull``: from a document to many machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mpp.testing.keys import publisher
from mpp.testing.packages import NOW
from mpp.testing.policies import body, bundle
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal

from tests.cli.policy_world import MINE, STRICT, enrol, fingerprint, machine_folder, rules, told, write


@pytest.fixture
def policy() -> str:
    return write("policy.toml", MINE)


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine folder of the test's own."""
    return machine_folder(tmp_path, monkeypatch)


# sign


def test_a_policy_is_signed_and_signed_again(mpp: Mpp, keys: Path, policy: str) -> None:
    found = mpp("policy", "sign", policy)
    assert found.code == 0, found.err
    assert "Signed mine-bundle.json  ('mine' version 1, for the fleet layer)" in found.out
    answer = mpp("policy", "sign", policy, "--expires", "12h", "--grace", "30m", "--json").json
    assert (answer["version"], answer["expires"] - answer["issued"], answer["grace_seconds"], answer["missing"]) == (2, 12 * 3600, 1800, 0)


def test_options_of_signing(mpp: Mpp, keys: Path, policy: str) -> None:
    answer = mpp(
        "policy", "sign", policy, "-k", keys / "publisher.key", "--publisher", keys / "publisher.json", "--name", "Team policy", "--layer", "user",
        "--version", "40", "--expires", "2026-02-01", "--grace", "2w", "--now", NOW, "-o", "out.json", "--json",
    ).json  # fmt: skip
    assert (answer["file"], answer["name"], answer["layer"], answer["version"]) == ("out.json", "Team policy", "user", 40)
    assert (answer["issued"], answer["expires"], answer["grace_seconds"]) == (NOW, NOW + 31 * 86400, 14 * 86400)


WRONG_SIGNING: list[tuple[list[str], int, str]] = [
    (["--expires", "soon"], 2, "usage.time"),
    (["--expires", "2200-01-01"], 2, "usage.time"),
    (["--expires", "2020-01-01"], 23, "policy.range"),
    (["--grace", "1y"], 2, "usage.time"),
    (["--grace", "91d"], 23, "policy.range"),
    (["--version", "0"], 2, "usage.option"),
    (["--name", "two  spaces"], 2, "usage.text"),
    (["-o", "policy.toml"], 1, "host.exists"),
    (["-k", "absent.key"], 2, "usage.no_file"),
    (["-k", "absent.key", "--publisher", "absent.json"], 2, "usage.no_file"),
    (["--signer-command", "false"], 2, "usage.option"),
]


@pytest.mark.parametrize(("words", "code", "name"), WRONG_SIGNING)
def test_what_is_not_signed(mpp: Mpp, keys: Path, policy: str, words: list[str], code: int, name: str) -> None:
    found = mpp("policy", "sign", policy, *words)
    assert f"[{name}]" in found.err
    assert found.code == code
    assert not Path("mine-bundle.json").exists()


def test_a_root_key_signs_no_policies(mpp: Mpp, keys: Path, policy: str) -> None:
    assert "[key.role]" in mpp("policy", "sign", policy, "-k", keys / "publisher-root.key", "--publisher", keys / "publisher.json").err


def test_another_bundle_is_not_overwritten_by_slip(mpp: Mpp, keys: Path, policy: str) -> None:
    assert mpp("policy", "sign", policy, "-o", "b.json").code == 0
    found = mpp("policy", "sign", policy, "-o", "b.json", "--name", "other")
    assert (found.code, "[policy.name]" in found.err) == (23, True)
    assert mpp("policy", "sign", policy, "-o", "b.json", "--name", "other", "--version", "1").code == 0


def test_two_of_two_keys_sign(mpp: Mpp, keys: Path, policy: str) -> None:
    pair = publisher("Pair", releases=2, release_threshold=2)
    from mpp.crypto.keyfile import write_key
    from mpp.testing.keys import fixed_seed
    from mpp.testing.packages import TestRandom

    Path("publisher.json").write_bytes(pair.chain.data)
    for i in range(2):
        Path(f"{i}.key").write_bytes(write_key(fixed_seed(f"Pair release {i}"), "release", None, TestRandom()))
        Path(f"{i}.key").chmod(0o600)
    first = mpp("policy", "sign", policy, "-k", "0.key", "-o", "b.json")
    assert first.code == 0, first.err
    assert "Still missing: 1 more" in first.err
    again = mpp("policy", "sign", "b.json", "-k", "0.key")
    assert "[key.signed]" in again.err
    assert mpp("policy", "sign", "b.json", "-k", keys / "publisher.key").code == 3
    assert mpp("policy", "sign", "b.json", "-k", "1.key", "--json").json["missing"] == 0


def test_a_sealed_key_asks_for_its_passphrase(mpp: Mpp, policy: str, home: Path) -> None:
    Path("words").write_text("correct horse battery staple\n")
    Path("words").chmod(0o600)
    assert mpp("keygen", "--name", "Ada Example", "--passphrase-file", "words").code == 0
    assert mpp("policy", "sign", policy).code == 2
    assert mpp("policy", "sign", policy, "--passphrase-file", "words").code == 0


def test_warnings_are_said_when_signing(mpp: Mpp, keys: Path) -> None:
    assert "warning: rule a allows everything" in mpp("policy", "sign", write("open.toml", rules(("a", "allow", "")))).err


# pull


@pytest.fixture
def served(mpp: Mpp, keys: Path, policy: str) -> str:
    """A bundle for the user layer."""
    assert mpp("policy", "sign", policy, "--layer", "user", "-o", "served.json").code == 0
    return "served.json"


def test_a_person_compares_the_fingerprint_once(served: str, mpp: Mpp, home: Path, terminal: Callable[..., Terminal]) -> None:
    assert mpp("policy", "use", "developer", "--yes").code == 0
    with terminal("policy", "pull", served) as screen:
        screen.wait_for("Type yes to take its policies:")
        assert "your own policy 'developer' goes" in screen.screen
        assert "calls itself 'Ada Example'" in screen.screen
        screen.type("yes\n")
        assert screen.end() == 0
        assert "Pulled 'mine' version 1, for the user layer" in screen.screen
    assert not (home / "policy" / "policy.toml").exists()
    answer = mpp("policy", "show", "--json").json["layers"]
    assert [(one["layer"], one["kind"], one["version"]) for one in answer] == [("user", "bundle", 1)]
    assert answer[0]["seconds_left"] > 89 * 86400
    assert "days from now" in mpp("policy", "show").out


def test_without_a_person_the_fingerprint_is_given_in_full(served: str, mpp: Mpp, keys: Path, home: Path) -> None:
    whole = fingerprint(keys)
    assert mpp("policy", "pull", served).code == 23
    assert "[policy.fingerprint]" in mpp("policy", "pull", served, "--fingerprint", whole[:-1]).err
    other = publisher("Other")
    Path("other.json").write_bytes(other.chain.data)
    assert "[policy.publisher]" in mpp("policy", "pull", served, "--root", "other.json", "--fingerprint", whole).err
    found = mpp("policy", "pull", served, "--root", keys / "publisher.json", "--fingerprint", whole, "--json")
    assert found.code == 0, found.out
    assert found.json["pulled"][0]["before"] == 0
    assert (told(home)[-1].body["what"], told(home)[-1].body["version"]) == ("pulled", 1)


def test_the_next_version_comes_without_a_question(served: str, mpp: Mpp, keys: Path) -> None:
    assert mpp("policy", "pull", served, "--fingerprint", fingerprint(keys)).code == 0
    assert mpp("policy", "pull").out.startswith("Still 'mine' version 1")
    write("policy.toml", MINE.replace("large amounts", "big amounts"))
    assert mpp("policy", "sign", "policy.toml", "--layer", "user", "-o", served).code == 0
    found = mpp("policy", "pull")
    assert found.out.splitlines()[:2] == [line for line in found.out.splitlines() if "version 2, was 1" in line or "rules changed: ask-large" in line]
    assert "[policy.fingerprint]" in mpp("policy", "pull", served, "--fingerprint", "00").err


def test_an_older_one_is_refused_and_the_newer_stays(served: str, mpp: Mpp, keys: Path) -> None:
    old = Path(served).read_bytes()
    assert mpp("policy", "sign", "policy.toml", "--layer", "user", "-o", served).code == 0
    assert mpp("policy", "pull", served, "--fingerprint", fingerprint(keys)).code == 0
    Path(served).write_bytes(old)
    assert "[policy.rollback]" in mpp("policy", "pull").err
    assert mpp("policy", "show", "--json").json["layers"][0]["version"] == 2


def test_leaving_a_signer(served: str, mpp: Mpp, keys: Path, home: Path) -> None:
    assert mpp("policy", "pull", served, "--fingerprint", fingerprint(keys)).code == 0
    assert mpp("policy", "use", "--remove", "--yes", "--json").json["removed"] is True
    assert mpp("policy", "show", "--json").json["layers"][0]["kind"] == "preset"
    assert "[policy.source]" in mpp("policy", "pull").err
    assert mpp("policy", "pull", served, "--fingerprint", fingerprint(keys)).code == 0
    assert mpp("policy", "use", "developer", "--yes").code == 0
    assert mpp("policy", "show", "--json").json["layers"][0]["kind"] == "document"


@pytest.mark.parametrize("words", [("--root", "publisher.json"), ("--fingerprint", "00")])
def test_a_first_pull_names_its_source(mpp: Mpp, words: tuple[str, ...]) -> None:
    assert mpp("policy", "pull", *words).code == 2


@pytest.mark.parametrize(("source", "code"), [("absent.json", 1), ("http://policy.example.com/x", 23), ("policy.toml", 23)])
def test_what_cannot_be_pulled(mpp: Mpp, policy: str, source: str, code: int) -> None:
    found = mpp("policy", "pull", source)
    assert (found.code, "hint:" in found.err) == (code, True)


def test_a_fleet_bundle_needs_a_machine_that_was_enrolled(mpp: Mpp, keys: Path, system: Path) -> None:
    assert mpp("policy", "sign", write("s.toml", STRICT), "-o", "fleet.json").code == 0
    refused = mpp("policy", "pull", "fleet.json", "--fingerprint", fingerprint(keys))
    assert "[policy.enrolment]" in refused.err
    enrol(system, keys)
    found = mpp("policy", "pull", "fleet.json")
    assert found.code == 0, found.err
    assert "for the fleet layer" in found.out
    shown = mpp("policy", "show")
    assert "fleet    'strict' version 1" in shown.out
    assert "signed by  publisher" in shown.out
    assert "The fleet policy binds beside it" in mpp("policy", "pull").err


def test_the_end_of_a_bundle_is_counted_down(mpp: Mpp, keys: Path, system: Path) -> None:
    enrol(system, keys)
    now = int(time.time())
    assert mpp("policy", "sign", write("s.toml", STRICT), "-o", "f.json", "--now", now - 7200, "--expires", "1800s", "--grace", "10h").code == 0
    found = mpp("policy", "pull", "f.json")
    assert "it denies everything from" in found.err
    shown = mpp("policy", "show").out
    assert "in its grace since" in shown
    assert "denies everything in 8 hours" in shown
    assert mpp("policy", "show", "--json").json["layers"][0]["state"] == "in its grace"


def test_an_enrolled_machine_without_a_bundle_shows_that_it_is_closed(mpp: Mpp, keys: Path, system: Path, signed: Path) -> None:
    enrol(system, keys, mode="personal")
    found = mpp("policy", "show")
    assert "fleet    CLOSED: it denies everything" in found.out
    assert "[policy.absent]" in found.err
    assert "verdict: deny" in mpp("policy", "explain", signed).out


def test_a_bundle_that_nobody_asked_for_changes_nothing(mpp: Mpp, home: Path) -> None:
    (home / "policy").mkdir(parents=True, mode=0o700)
    (home / "policy" / "fleet-bundle.json").write_bytes(bundle(publisher("Anybody"), body(1, effect="deny")))
    assert [one["kind"] for one in mpp("policy", "show", "--json").json["layers"]] == ["preset"]


def test_a_bundle_is_pulled_over_http(served: str, mpp: Mpp, keys: Path) -> None:
    handler = partial(QuietHandler, directory=str(Path.cwd()))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        try:
            assert mpp("policy", "pull", url + served, "--fingerprint", fingerprint(keys)).code == 0
            assert mpp("policy", "sign", "policy.toml", "--layer", "user", "-o", served).code == 0
            assert "version 2, was 1" in mpp("policy", "pull").out
            absent = mpp("policy", "pull", url + "absent.json")
            assert (absent.code, "[remote.answer]" in absent.err) == (40, True)
        finally:
            server.shutdown()
    gone = mpp("policy", "pull")
    assert (gone.code, "[remote.connection]" in gone.err) == (40, True)
    assert mpp("policy", "show", "--json").json["layers"][0]["version"] == 2


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Not onto the screen."""
