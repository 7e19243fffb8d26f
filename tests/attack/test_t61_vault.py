"""T61, payloads that are kept, and payloads that must not be: a host that reads back, records exchanged, copies after an erasure, leaks with the vault off."""

from __future__ import annotations

import re
import shutil
import time
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.cli.app import run
from mpp.crypto import base64text
from mpp.errors import MppError
from mpp.files import write_atomic
from mpp.host.audit.salts import read_salt
from mpp.host.audit.vault import log_id_of
from mpp.host.services.dispatch import Dispatcher
from mpp.host.services.http import HttpService
from mpp.host.services.http_types import HttpConfig
from mpp.host.services.standard import HttpAnswers, KvAnswers
from mpp.host.services.transcript import Recorder
from mpp.host.stores.kv import KvStore
from mpp.model.secretvalue import SecretValue
from mpp.stages.audit.transcript import read_transcript
from mpp.stages.audit.vaulted import Place, open_record
from mpp.stages.sandbox import Scope
from tests.cli.conftest import Answer
from tests.cli.vault_world import World, repeating
from tests.unit.host.http_sites import Site, answer, authority, drive, local, secret
from tests.unit.host.audit.test_vault import scope
from tests.unit.sandbox.conftest import OpenBorder

MARKER = "marker" + "of" + "the" + "arguments"


@pytest.fixture
def world(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> World:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def call(*words: object) -> Answer:
        capsys.readouterr()
        code = run([str(word) for word in words])
        return Answer(code, *capsys.readouterr())

    assert call("keygen", "--name", "Ada Example", "--no-passphrase").code == 0
    return World(call, home)


def kept_call(world: World) -> int:
    return world.run(world.package(repeating()), f'{{"name": "{MARKER}"}}')


def place_of(world: World, seq: int) -> Place:
    return Place(log_id=log_id_of(world.places), seq=seq, invocation=world.reader.entry(seq).event.invocation)


def forms(text: str) -> list[bytes]:
    """The text as it could stand in a file: plainly, in hex, in base64 from each of its three beginnings, and as SHA-256 would not show."""
    raw = text.encode()
    inner = [base64text.encode(b"\0" * n + raw)[-(-8 * n // 6) : -4].encode() for n in range(3)]
    return [raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1], text.encode("utf-16-le"), *inner]


def leaks(files: dict[str, bytes], text: str) -> list[str]:
    return [name for name, data in files.items() for one in forms(text) if one in data]


def test_the_search_for_leaks_finds_each_form() -> None:
    for number, form in enumerate(forms(MARKER)):
        assert leaks({"file": b"x" + form + b"y"}, MARKER), number
    for before in ("", "a", "ab", "abc"):
        assert leaks({"file": base64text.encode((before + MARKER + "tail").encode()).encode()}, MARKER), before


def test_nothing_of_a_call_is_kept_while_the_vault_is_off(world: World) -> None:
    kept_call(world)
    assert len(world.files()) > 10
    assert leaks(world.files(), MARKER) == []


def test_with_the_vault_on_nothing_of_it_stands_there_in_a_form_that_can_be_read(world: World) -> None:
    world.turn_on()
    found = world.opened(kept_call(world))
    assert found["arguments"] == f'{{"name":"{MARKER}"}}'
    assert MARKER in found["result"]
    assert found["checked"]["out_shown"] is True
    assert leaks(world.files(), MARKER) == []


def candidates(files: dict[str, bytes]) -> Iterator[bytes]:
    """Everything in the home that could be a key of 32 bytes: raw at each 4th byte of small files, and whatever is written in hex or base64."""
    for data in files.values():
        if len(data) <= 20_000:
            yield from (data[at : at + 32] for at in range(0, len(data) - 31, 4))
        yield from (bytes.fromhex(found.decode()) for found in re.findall(rb"[0-9a-f]{64}", data))
        yield from (b64decode(found) for found in re.findall(rb"[A-Za-z0-9+/]{43}=", data))


def test_the_host_cannot_open_what_it_kept(world: World) -> None:
    """All that the home holds, tried as the private key: the host has the salt, the log and the record, and not the recipient's half."""
    world.turn_on()
    seq = kept_call(world)
    record, salt, place = world.record(seq).read_bytes(), read_salt(world.places, seq), place_of(world, seq)
    tried = set(candidates(world.files()))
    assert len(tried) > 500
    for key in tried:
        with pytest.raises(MppError) as caught:
            open_record(record, place, salt, key, where="r")
        assert caught.value.code == "audit.vault_key"
    assert world.opened(seq)["ok"] is True


def test_records_exchanged_between_two_calls_are_refused(world: World) -> None:
    world.turn_on()
    first, second = kept_call(world), kept_call(world)
    one, two = world.record(first), world.record(second)
    here, there = one.read_bytes(), two.read_bytes()
    write_atomic(str(one), there)
    write_atomic(str(two), here)
    for seq in (first, second):
        assert world.opened(seq)["error"]["code"] == "audit.vault"
    # Attack: the salts are exchanged with them. What a record belongs to is bound into it.
    salts = Path(world.places.salts(0))
    data = salts.read_bytes()
    a, b = data[first * 32 : first * 32 + 32], data[second * 32 : second * 32 + 32]
    salts.write_bytes(data.replace(a, b"x" * 32).replace(b, a).replace(b"x" * 32, b))
    for seq in (first, second):
        assert world.opened(seq)["error"]["code"] == "audit.vault"


def test_a_copy_of_the_record_opens_for_nobody_after_the_erasure(world: World, tmp_path: Path) -> None:
    world.turn_on()
    seq = kept_call(world)
    copy, salt = tmp_path / "backup", Path(world.places.salts(0))
    shutil.copytree(world.places.vault, copy)
    salts = salt.read_bytes()
    assert world.mpp("audit", "erase", "--entry", seq, "--reason", "test", "--yes").code == 0
    assert world.opened(seq)["error"]["code"] == "audit.erased"
    # The backup of the record comes back; the salt does not.
    shutil.copytree(copy, world.places.vault, dirs_exist_ok=True)
    assert world.record(seq).is_file()
    assert world.opened(seq)["error"]["code"] == "audit.erased"
    # The salt comes back, too: then the record itself says that nobody may open it, and the next erasure ends it.
    salt.write_bytes(salts)
    assert world.opened(seq)["error"]["code"] == "audit.erased"
    assert world.mpp("audit", "erase", "--entry", seq, "--reason", "test", "--yes").code == 0
    assert not list(Path(world.places.vault).rglob(f"{seq}.sealed"))
    assert salt.read_bytes()[seq * 32 : seq * 32 + 32] == bytes(32)


def test_a_salt_of_somebody_else_opens_nothing(world: World) -> None:
    world.turn_on()
    seq = kept_call(world)
    salt = Path(world.places.salts(0))
    data = bytearray(salt.read_bytes())
    data[seq * 32 : seq * 32 + 32] = b"\1" * 32
    salt.write_bytes(data)
    assert world.opened(seq)["error"]["code"] == "audit.vault"


def test_the_same_call_twice_leaves_records_that_share_nothing(world: World) -> None:
    world.turn_on()
    path = world.package(repeating())
    one, two = (world.record(world.run(path, f'{{"name": "{MARKER}"}}')).read_bytes() for _ in range(2))
    shared = [at for at in range(12, min(len(one), len(two)) - 16) if one[at : at + 16] in two]
    assert shared == []


class Keyed(HttpAnswers):
    """The service with one secret, which no store on this machine could hold: the site is on it."""

    def __init__(self, service: HttpService, given: SecretValue) -> None:
        super().__init__(service, None, {})
        self._given = given

    def _values(self, scope: Scope, until: float) -> tuple[SecretValue, ...]:
        return (self._given,)


def test_a_secret_that_a_service_sends_back_is_in_no_transcript(tmp_path: Path) -> None:
    """The secret is put in behind what is kept and taken out before it."""
    value = "sk-" + "live" + "0123456789" * 2
    service, kv = HttpService(HttpConfig(extra_ca_file=authority()[0])), KvStore(str(tmp_path / "kv"))
    try:
        with Site(answer, tls=True) as site:
            host = f"localhost:{site.port}"
            recorder = Recorder(Dispatcher(kv=KvAnswers(kv), http=Keyed(service, secret(host, value))))
            about = replace(scope(), rights=local(site, name="localhost"), border=OpenBorder())
            recorder.begin(about.context.invocation)
            until = time.monotonic() + 60
            found = drive(recorder.answer("http.fetch", {"method": "GET", "url": f"https://{host}/path?of=mine"}, about, until))
            assert found.error == "", found
            assert value.encode() in site.requests[0]
            kept = recorder.end(about.context.invocation)
    finally:
        service.close()
        kv.close()
    assert b"/path?of=mine" in kept.data
    assert len(read_transcript(kept.data, where="t")) == 1
    assert leaks({"transcript": kept.data}, value) == []
    result = read_transcript(kept.data, where="t")[0].answer.result
    assert isinstance(result, dict)
    assert isinstance(result["body"], str)
    assert value.encode() not in b64decode(result["body"])
