"""``mpp audit replay``: the same call again, from what the vault kept, without touching anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from mpp.crypto import base64text
from mpp.crypto.sealedbox import public_of
from mpp.host.audit.salts import read_salt
from mpp.host.audit.vault import log_id_of
from mpp.host.audit.vault_store import load_config
from mpp.model.jsontext import Json
from mpp.stages.audit.vaulted import Place, open_record, seal_record
from tests.cli.conftest import Answer, Mpp
from tests.cli.test_run import HELLO, says
from tests.cli.vault_world import COUNTER, DETERMINISTIC, GET, STORES, World, asking
from tests.unit.sandbox.guests import RANDOM_AND_TIME, guest

PACKAGE = "hello-0.1.0.mpp"
STATEFUL = {**DETERMINISTIC, **STORES}


@pytest.fixture
def world(mpp: Mpp, home: Path, keys: Path) -> World:
    found = World(mpp, home)
    found.turn_on()
    return found


def again(world: World, seq: int, package: object = PACKAGE) -> Answer:
    return world.mpp("audit", "replay", seq, "--key", "auditor.key", "--package", package, "--json")


def test_a_deterministic_call_is_the_same_again(world: World) -> None:
    seq = world.run(world.package(says(HELLO), DETERMINISTIC), '{"name": "Ada"}')
    answer = again(world, seq)
    assert answer.code == 0
    assert (answer.json["verdict"], answer.json["same"], answer.json["entry"]) == ("same", True, seq)
    assert world.bodies("vault")[-1] | {"by": ""} == {"what": "replayed", "entry": seq, "verdict": "same", "by": ""}
    text = world.mpp("audit", "replay", seq, "--key", "auditor.key", "--package", PACKAGE)
    assert (text.code, text.out.startswith("The same:"), text.err) == (0, True, "")


def test_time_and_randomness_of_a_deterministic_tool_are_those_of_the_call(world: World) -> None:
    seq = world.run(world.package(guest(RANDOM_AND_TIME), DETERMINISTIC))
    assert again(world, seq).json["verdict"] == "same"


def test_a_tool_that_never_promised_it_gets_no_verdict(world: World) -> None:
    seq = world.run(world.package(guest(RANDOM_AND_TIME)))
    answer = again(world, seq)
    assert (answer.code, answer.json["verdict"], answer.json["same"], answer.json["deterministic"]) == (0, "none", False, False)
    text = world.mpp("audit", "replay", seq, "--key", "auditor.key", "--package", PACKAGE)
    assert text.out.startswith("Different:")
    assert "not deterministic" in text.err


def test_host_calls_are_answered_from_the_transcript_and_nothing_is_touched(world: World) -> None:
    path = world.package(COUNTER, STATEFUL)
    first, second = world.run(path), world.run(path)
    assert '"value":null' in world.opened(first)["result"]
    assert '"value":"djE="' in world.opened(second)["result"]
    kept = {name: data for name, data in world.files().items() if not name.startswith("audit/")}
    for seq in (first, second):
        assert again(world, seq).json["verdict"] == "same", seq
    assert {name: data for name, data in world.files().items() if not name.startswith("audit/")} == kept
    assert len(world.intents()) == 2


def test_the_storage_of_today_does_not_matter(world: World) -> None:
    """Without the transcript, the first call would be answered as the second."""
    path = world.package(COUNTER, STATEFUL)
    seq = world.run(path)
    for _ in range(2):
        world.run(path)
    assert again(world, seq).json["verdict"] == "same"


def test_a_context_is_answered_as_it_was(world: World) -> None:
    seq = world.run(world.package(asking('{"method":"context.get"}'), DETERMINISTIC))
    call = world.reader.entry(seq).event.invocation
    assert call in world.opened(seq)["result"]
    assert again(world, seq).json["verdict"] == "same"


def test_a_refused_host_call_is_refused_again(world: World) -> None:
    seq = world.run(world.package(asking(GET, '{"method":"no.such"}'), DETERMINISTIC))
    assert "not_declared" in world.opened(seq)["result"]
    assert again(world, seq).json["verdict"] == "same"


def test_another_version_of_the_package_is_refused(world: World) -> None:
    seq = world.run(world.package(says(HELLO), DETERMINISTIC))
    other = world.package(says(HELLO), {**DETERMINISTIC, "version": "0.2.0"}, "hello-0.2.0.mpp")
    answer = again(world, seq, other)
    assert (answer.code, answer.json["error"]["code"]) == (27, "audit.replay")
    assert "another version" in answer.json["error"]["message"]


def test_a_package_that_does_not_verify_is_not_run(world: World) -> None:
    path = world.package(says(HELLO), DETERMINISTIC)
    seq = world.run(path)
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert 11 <= again(world, seq).code <= 20


def test_another_key_and_an_erased_salt_replay_nothing(world: World, mpp: Mpp) -> None:
    seq = world.run(world.package(says(HELLO), DETERMINISTIC))
    world.recipient("other")
    assert mpp("audit", "replay", seq, "--key", "other.key", "--package", PACKAGE, "--json").json["error"]["code"] == "audit.vault_key"
    assert mpp("audit", "erase", "--entry", seq, "--reason", "test", "--yes").code == 0
    assert again(world, seq).json["error"]["code"] == "audit.erased"


@pytest.mark.parametrize("keep", ["arguments,result", "result,transcript"])
def test_what_was_not_kept_is_said(world: World, mpp: Mpp, keep: str) -> None:
    public = base64text.encode(load_config(world.places).recipient)  # type: ignore[union-attr]
    assert mpp("audit", "vault", "on", "--recipient", public, "--keep", keep, "--yes").code == 0
    seq = world.run(world.package(says(HELLO), DETERMINISTIC))
    assert again(world, seq).json["error"]["code"] == "audit.replay"


def test_folders_are_not_there_again(world: World, mpp: Mpp, tmp_path: Path) -> None:
    place = tmp_path / "notes"
    place.mkdir()
    path = world.package(says(HELLO), {**DETERMINISTIC, "capabilities/filesystem": {"read": ["/data/notes"], "write": []}})
    assert mpp("run", path, "--yes", "--map", f"/data/notes={place}").code == 0
    assert again(world, world.intents()[-1]).json["error"]["code"] == "audit.replay"


def reseal(world: World, seq: int, change: dict[str, Json]) -> None:
    """Attack: the host itself, which holds the salt, seals another payload for the recipient."""
    private = _private()
    salt = read_salt(world.places, seq)
    place = Place(log_id=log_id_of(world.places), seq=seq, invocation=world.reader.entry(seq).event.invocation)
    record = world.record(seq)
    document = json.loads(open_record(record.read_bytes(), place, salt, private, where="r"))
    data = json.dumps({**document, **change}, sort_keys=True, separators=(",", ":")).encode()
    record.write_bytes(seal_record(data, place, salt, public_of(private), b"1" * 32, b"2" * 12))


def _private() -> bytes:
    found = base64text.decode(json.loads(Path("auditor.key").read_text())["seed"])
    assert found is not None
    return found


def lines(text: str) -> Json:
    return {"lines": base64text.encode(text.encode()), "cut": ""}


FORGED: list[dict[str, Json]] = [
    {"transcript": lines('{"method":"kv.get","params":{"key":"k"},"result":{"value":"Zm9yZ2Vk"}}\n')},
    {"now_ns": "1"},
    {"arguments": {"before": "", "arguments": base64text.encode(b"{}"), "after": ""}},
    {"result": {"raw": "", "shown": ""}},
]


@pytest.mark.parametrize("change", FORGED, ids=["transcript", "moment", "arguments", "result"])
def test_a_record_that_the_host_sealed_anew_is_found_out(world: World, change: dict[str, Json]) -> None:
    seq = world.run(world.package(asking(GET), STATEFUL), '{"name": "Ada"}')
    reseal(world, seq, change)
    found = world.opened(seq)
    assert (found["ok"], found["checked"]["record"]) == (False, False)
    assert again(world, seq).json["error"]["code"] == "audit.vault"
    assert "NOT what the record committed to" in world.mpp("audit", "vault", "open", seq, "--key", "auditor.key").out


def test_a_tool_that_asks_something_else_is_different(world: World, mpp: Mpp) -> None:
    """A tool that only says that it is deterministic: it asks its host for what the clock of the engine alone decides."""
    path = world.package(asking(GET), STATEFUL)
    seq = world.run(path)
    for text, words in (
        ('{"method":"kv.get","params":{"key":"other"},"result":{"value":null}}\n', "host call 1"),
        ('{"method":"kv.get","params":{"key":"k"},"result":{"value":"AA=="}}\n', "something else"),
        ('{"method":"kv.get","params":{"key":"k"},"result":{"value":null}}\n' * 2, "were not made"),
        ("", "host call 1"),
    ):
        reseal(world, seq, {"transcript": lines(text)})
        _claim(world, seq)
        answer = again(world, seq)
        assert (answer.code, answer.json["ok"], answer.json["verdict"]) == (27, False, "different"), text
        assert words in answer.json["why"]


def test_a_run_that_ended_otherwise_is_different(world: World) -> None:
    seq = world.run(world.package(guest("(unreachable)"), DETERMINISTIC))
    assert again(world, seq).json["verdict"] == "same"
    reseal(world, seq, {"ended": ""})
    _claim(world, seq)
    assert again(world, seq).json["why"] == "it ended with tool.trap, and then with an answer"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"variables": 1}, "variables"), ({"transcript": {"lines": "", "cut": "signed"}}, "not whole"), ({"tool": "other"}, "not what the log says")],
)
def test_what_cannot_be_the_same_call_is_not_run(world: World, change: dict[str, Json], words: str) -> None:
    seq = world.run(world.package(says(HELLO), DETERMINISTIC))
    reseal(world, seq, change)
    _claim(world, seq)
    assert words in again(world, seq).json["error"]["message"]


def _claim(world: World, seq: int) -> None:
    """As if the log had committed to the record as it is now: another result entry for the call, in the file alone."""
    path = Path(world.places.segment(0))
    kept = world.reader.entry(seq)
    result = next(one for one in world.reader.entries() if one.event.kind == "result" and one.event.invocation == kept.event.invocation)
    before = str(result.event.body["vault"])
    path.write_bytes(path.read_bytes().replace(before.encode(), hashlib.sha256(world.record(seq).read_bytes()).hexdigest().encode()))


def test_a_call_without_result_has_nothing_to_compare(world: World) -> None:
    seq = world.run(world.package(says(HELLO), DETERMINISTIC))
    path = Path(world.places.segment(0))
    path.write_bytes(path.read_bytes().replace(b'"kind":"result"', b'"kind":"refused"'))
    answer = again(world, seq)
    assert answer.json["error"]["code"] == "audit.replay"
    assert "nothing to compare" in answer.json["error"]["message"]
