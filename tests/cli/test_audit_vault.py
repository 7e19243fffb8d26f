"""``mpp audit vault``: off by default, on with a person's yes, opened by the recipient alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.crypto.sealedbox import no_aes
from mpp.host.audit import vault as host_vault
from mpp.host.audit import vault_store
from mpp.stages.audit.vaulted import read_payload
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal
from tests.cli.test_run import HELLO, says
from tests.cli.vault_world import COUNTER, STORES, World


@pytest.fixture
def world(mpp: Mpp, home: Path, keys: Path) -> World:
    return World(mpp, home)


def test_it_is_off_and_keeps_nothing_until_somebody_turns_it_on(world: World, mpp: Mpp) -> None:
    world.run(world.package(says(HELLO)))
    assert mpp("audit", "vault", "status", "--json").json == {"ok": True, "on": False, "records": 0, "bytes": 0}
    assert not os.path.exists(world.places.vault)
    assert "vault" not in world.bodies("result")[0]
    assert "off" in mpp("audit", "vault", "status").out
    answer = mpp("audit", "vault", "open", world.intents()[0], "--key", "auditor.key", "--json")
    assert answer.json["error"]["code"] == "host.file"
    world.recipient()
    assert world.opened(world.intents()[0])["error"]["code"] == "audit.no_record"


def test_a_call_is_kept_and_opened_and_fits_the_record(world: World, mpp: Mpp) -> None:
    public = world.turn_on()
    seq = world.run(world.package(says(HELLO)), '{"name": "Ada"}')
    found = world.opened(seq)
    assert (found["ok"], found["entry"], found["tool"], found["ended"]) == (True, seq, "greet", "")
    assert (found["arguments"], found["result"]) == ('{"name":"Ada"}', HELLO)
    assert found["checked"] == {"in": True, "out_raw": True, "out_shown": True, "record": True}
    assert (found["host_calls"], found["transcript_cut"]) == (0, "")
    status = mpp("audit", "vault", "status", "--json").json
    assert (status["on"], status["recipient"], status["records"]) == (True, public, 1)
    assert world.record(seq).stat().st_mode & 0o777 == 0o600
    # The record of the record: who turned it on, what was kept, who looked.
    assert [one["what"] for one in world.bodies("vault")] == ["on", "opened"]
    assert world.bodies("vault")[0]["amr"] == "flag"
    assert len(world.bodies("result")[0]["vault"]) == 64


def test_any_entry_of_the_call_and_its_id_name_it(world: World) -> None:
    world.turn_on()
    seq = world.run(world.package(says(HELLO)))
    call = world.reader.entry(seq).event.invocation
    result = next(one.seq for one in world.reader.entries() if one.event.kind == "result")
    for name in (result, call):
        assert world.opened(name)["entry"] == seq
    assert world.opened(0)["error"]["code"] == "audit.no_call"
    assert world.opened(9999)["error"]["code"] == "audit.no_entry"
    assert world.opened("f" * 32)["error"]["code"] == "audit.no_call"
    assert world.opened("zzz")["error"]["code"] == "usage.option"


def test_text_shows_it_safely_and_out_writes_all(world: World, mpp: Mpp) -> None:
    world.turn_on()
    seq = world.run(world.package(COUNTER, STORES), '{"name": "A\\u001b[2J"}')
    answer = mpp("audit", "vault", "open", seq, "--key", "auditor.key", "--out", "call.json")
    assert answer.code == 0
    assert "\x1b" not in answer.out
    assert "Host calls   2" in answer.out
    assert answer.out.count("as the record committed to") == 4
    payload = read_payload(Path("call.json").read_bytes().rstrip(b"\n"), where="p")
    assert payload.sent is not None
    assert payload.sent.line.startswith(b'{"jsonrpc":"2.0"')
    assert Path("call.json").stat().st_mode & 0o777 == 0o600
    # It never overwrites.
    assert mpp("audit", "vault", "open", seq, "--key", "auditor.key", "--out", "call.json", "--json").json["error"]["code"] == "host.exists"


def test_only_what_was_chosen_is_kept(world: World, mpp: Mpp) -> None:
    world.turn_on("result")
    seq = world.run(world.package(says(HELLO)), '{"name": "Ada"}')
    found = world.opened(seq)
    assert (found["arguments"], found["host_calls"], found["paths"]) == (None, None, None)
    assert found["result"] == HELLO
    assert found["checked"]["in"] is None
    assert "not kept" in mpp("audit", "vault", "open", seq, "--key", "auditor.key").out


def test_a_failed_run_is_kept_too(world: World) -> None:
    world.turn_on()
    found = world.opened(world.run(world.package(says("no json\n"))))
    assert (found["ok"], found["result"], found["ended"]) == (True, "no json\n", "")
    assert found["checked"]["out_shown"] is None


def test_folders_stand_in_the_sealed_part_alone(world: World, mpp: Mpp, tmp_path: Path) -> None:
    world.turn_on()
    place = tmp_path / "very-private-notes"
    place.mkdir()
    path = world.package(says(HELLO), {"capabilities/filesystem": {"read": ["/data/notes"], "write": []}})
    assert mpp("run", path, "--yes", "--map", f"/data/notes={place}").code == 0
    found = world.opened(world.intents()[-1])
    assert found["paths"]["folders"] == [f"/data/notes={place}"]
    assert b"very-private-notes" not in b"".join(data for name, data in world.files().items() if name.startswith("audit/"))
    assert str(place) in mpp("audit", "vault", "open", world.intents()[-1], "--key", "auditor.key").out.replace("\n", "")


def test_another_key_opens_nothing(world: World, mpp: Mpp) -> None:
    world.turn_on()
    seq = world.run(world.package(says(HELLO)))
    world.recipient("other")
    answer = mpp("audit", "vault", "open", seq, "--key", "other.key", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (27, "audit.vault_key")
    answer = mpp("audit", "vault", "open", seq, "--key", "../home/keys/publisher.key", "--json")
    assert answer.json["error"]["code"] == "key.role"
    os.chmod("auditor.key", 0o644)
    assert world.opened(seq)["error"]["code"] == "key.mode"


def test_a_sealed_key_needs_its_passphrase(world: World, mpp: Mpp) -> None:
    Path("words").write_text("correct horse\n")
    os.chmod("words", 0o600)
    answer = mpp("audit", "vault", "keygen", "auditor", "-o", "auditor.key", "--passphrase-file", "words")
    public = answer.out.split("Public key   ")[1].split("\n")[0]
    assert answer.code == 0
    assert "warning" not in answer.err
    assert mpp("audit", "vault", "on", "--recipient", public, "--yes").code == 0
    seq = world.run(world.package(says(HELLO)))
    assert world.opened(seq)["error"]["code"] == "usage.passphrase"
    assert world.opened(seq, "--passphrase-file", "words")["ok"] is True
    assert mpp("audit", "vault", "keygen", "auditor", "-o", "auditor.key", "--no-passphrase", "--json").json["error"]["code"] == "host.exists"


@pytest.mark.parametrize("recipient", ["", "x", "A" * 44, "A" * 43 + "=", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_a_recipient_to_whom_nothing_can_be_sealed_is_refused(mpp: Mpp, recipient: str) -> None:
    assert mpp("audit", "vault", "on", "--recipient", recipient, "--yes", "--json").json["error"]["code"] == "audit.vault_key"
    assert mpp("audit", "vault", "status", "--json").json["on"] is False


def test_turning_it_on_and_off_takes_a_person(world: World, mpp: Mpp, terminal: Callable[..., Terminal], home: Path) -> None:
    public = world.recipient()
    assert mpp("audit", "vault", "on", "--recipient", public, "--json").json["error"]["code"] == "consent.missing"
    assert mpp("audit", "vault", "on", "--recipient", public, "--keep", "all", "--yes", "--json").json["error"]["code"] == "usage.option"
    with terminal("audit", "vault", "on", "--recipient", public) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        assert screen.end() == 0
    assert mpp("audit", "vault", "status", "--json").json["keep"] == ["arguments", "result"]
    assert "keeps arguments, result" in mpp("audit", "vault", "status").out
    assert mpp("audit", "vault", "off", "--json").json["error"]["code"] == "consent.missing"
    assert mpp("audit", "vault", "off", "--yes", "--json").json == {"ok": True, "on": False, "changed": True}
    assert "off already" in mpp("audit", "vault", "off", "--yes").out
    assert [(one["what"], one["amr"]) for one in world.bodies("vault")] == [("on", "tty"), ("off", "flag")]


def test_a_fleet_takes_no_flag(world: World, mpp: Mpp, home: Path) -> None:
    public = world.recipient()
    document = json.loads((home / "trust" / "trust.json").read_text())
    (home / "trust" / "trust.json").write_text(json.dumps({**document, "first_use": False}))
    assert mpp("audit", "vault", "on", "--recipient", public, "--yes", "--json").json["error"]["code"] == "consent.fleet"


@pytest.mark.parametrize("text", ["{", "{}", '{"keep":["everything"],"mpp_vault":1,"recipient":"' + "A" * 43 + '="}'])
def test_a_setting_that_cannot_be_read_runs_nothing(world: World, mpp: Mpp, text: str) -> None:
    path = world.package(says(HELLO))
    world.turn_on()
    config = Path(vault_store.config_path(world.places))
    config.write_text(text)
    answer = mpp("run", path, "--json")
    assert answer.json["error"]["code"] in {"audit.vault", "audit.json"}
    assert world.intents() == []
    assert world.bodies("refused")[-1]["code"] == answer.json["error"]["code"]


def test_a_setting_that_others_may_write_runs_nothing(world: World, mpp: Mpp) -> None:
    path = world.package(says(HELLO))
    world.turn_on()
    os.chmod(vault_store.config_path(world.places), 0o666)
    assert mpp("run", path, "--json").json["error"]["code"] == "audit.vault"
    assert world.intents() == []


def test_a_processor_without_aes_runs_nothing(world: World, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.package(says(HELLO))
    world.turn_on()

    def lacking(*_: object) -> bytes:
        raise no_aes()

    monkeypatch.setattr(vault_store, "aes_seal", lacking)
    assert mpp("run", path, "--json").json["error"]["code"] == "audit.vault"
    assert world.intents() == []


def test_a_full_disk_runs_nothing(world: World, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.package(says(HELLO))
    world.turn_on()
    monkeypatch.setattr(vault_store, "VAULT_RECORD_BYTES_MAX", 1 << 60)
    assert mpp("run", path, "--json").json["error"]["code"] == "audit.vault"
    assert world.intents() == []


def test_an_answer_is_not_lost_when_its_record_cannot_be_written(world: World, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    path = world.package(says(HELLO))
    world.turn_on()
    # Disk trouble between the run and the record: the folder is there, the file is not taken.
    monkeypatch.setattr(host_vault, "write_record", lambda places, seq, data: vault_store.read_record(places, seq))
    answer = mpp("run", path)
    assert (answer.code, answer.out) == (0, "hi\n")
    assert "vault could not keep" in answer.err
    assert world.bodies("result")[0]["vault"] == "audit.no_record"


def test_a_copy_is_opened_without_this_home(world: World, mpp: Mpp, tmp_path: Path) -> None:
    world.turn_on()
    seq = world.run(world.package(says(HELLO)), '{"name": "Ada"}')
    copy = tmp_path / "copy"
    shutil.copytree(world.places.folder, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    assert world.opened(seq, "--log", copy)["ok"] is True
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert "opened" not in [one["what"] for one in world.bodies("vault")]


def test_a_record_that_was_changed_is_refused(world: World, mpp: Mpp) -> None:
    world.turn_on()
    path = world.package(says(HELLO))
    first, second = world.run(path, '{"name": "Ada"}'), world.run(path, '{"name": "Bob"}')
    record = world.record(first)
    data = record.read_bytes()
    record.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert world.opened(first)["error"]["code"] == "audit.vault"
    # Attack: the record of one call in the place of another.
    record.write_bytes(world.record(second).read_bytes())
    assert world.opened(first)["error"]["code"] == "audit.vault"
    record.write_bytes(data)
    assert world.opened(first)["ok"] is True
