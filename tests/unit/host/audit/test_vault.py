"""The parts of the vault that no command reaches alone: salts, recording and answering host calls, the store, one call's vault."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp.crypto.sealedbox import public_of
from mpp.errors import HostFailed, MppError, Refused
from mpp.host.audit import vault as subject
from mpp.host.audit import vault_store
from mpp.host.audit.log import AuditLog
from mpp.host.audit.salts import NO_SALT, SaltsRead, erase_salts, first_of, read_salt, sync_salt
from mpp.host.audit.vault import CallVault, Made, find_call, open_call, vault_for
from mpp.host.audit.vault_store import VaultConfig, load_config, records, remove_config, remove_records, save_config, write_record
from mpp.host.audit.reader import LogReader
from mpp.host.drive import drive
from mpp.host.home import Home
from mpp.host.integration import Gatekeeper, WasmSandbox
from mpp.host.integration_types import SandboxConfig
from mpp.host.replaying import replay
from mpp.host.services import transcript
from mpp.host.services.transcript import Recorder, Replayer
from mpp.model.calls import CallContext, HostAnswer
from mpp.model.events import EntryRef, Event
from mpp.model.jsontext import Json
from mpp.model.rights import Rights
from mpp.ports import Steps, Wait
from mpp.stages.audit.entry import leaf_of
from mpp.stages.audit.transcript import read_transcript
from mpp.stages.audit.vaulted import KEEPS
from mpp.stages.gatekeeper import package_of
from mpp.stages.policy.permission import PermissionPolicy
from mpp.stages.policy.types import Granted
from mpp.stages.sandbox import CallScope, Run, Scope
from mpp.stages.sandbox.types import Used
from mpp.testing import packages
from mpp.testing.keys import publisher
from mpp.testing.packages import NOW, TestClock, TestRandom
from mpp.testing.tokens import KeptEvents
from mpp.testing.tools import greeting

PRIVATE = bytes(range(32))
CALL, OTHER = "a" * 32, "b" * 32


class Live:
    def log(self, level: str, message: str) -> None: ...

    def progress(self, progress: float, total: float | None, message: str) -> None: ...


def scope(invocation: str = CALL) -> CallScope:
    context = CallContext(
        invocation=invocation, tenant="t", agent="", agent_proof="anonymous", user="", package_id="p", version="1", content_hash="0" * 64, publisher_id="q",
        tool="greet",
    )  # fmt: skip
    return CallScope(rights=Rights(tenant="t", publisher_id="q", package_id="p", content_hash="0" * 64), context=context, live=Live())


class Echo:
    """Answers with what it was asked; ``wait`` waits for ever."""

    def answer(self, method: str, params: Json, scope: Scope, until: float) -> Steps[HostAnswer]:
        if method == "wait":
            quiet, other = os.pipe()
            try:
                yield Wait(quiet, until)
            finally:
                os.close(quiet)
                os.close(other)
        if method == "bad":
            return HostAnswer(result=None, error="bad_request", message="no")
        return HostAnswer(result=params, error="", message="", secrets=("KEY",))


def ask(calls: Recorder | Replayer, method: str, params: Json, invocation: str = CALL) -> HostAnswer:
    return drive(calls.answer(method, params, scope(invocation), 0.0))


# -- host calls


def test_only_the_calls_that_are_kept_are_recorded() -> None:
    recorder = Recorder(Echo())
    assert ask(recorder, "m", {"a": 1}).result == {"a": 1}
    recorder.begin(CALL)
    assert ask(recorder, "m", {"a": 2}).secrets == ("KEY",)
    assert ask(recorder, "bad", {}).error == "bad_request"
    assert ask(recorder, "m", {"a": 3}, OTHER).result == {"a": 3}
    kept = read_transcript(recorder.end(CALL).data, where="t")
    assert [one.answer.result for one in kept] == [{"a": 2}, None]
    assert recorder.end(CALL).data == b""
    ask(recorder, "m", {"a": 4})
    assert recorder.end(CALL).data == b""


def test_calls_that_never_end_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript, "CALLS_KEPT_MAX", 1)
    recorder = Recorder(Echo())
    recorder.begin(CALL)
    recorder.begin(OTHER)
    for invocation in (CALL, OTHER):
        ask(recorder, "m", {}, invocation)
    assert (recorder.end(CALL).data, recorder.end(OTHER).data != b"") == (b"", True)


def test_a_signed_context_is_not_kept_nor_what_comes_after() -> None:
    recorder = Recorder(Echo())
    recorder.begin(CALL)
    ask(recorder, "context.get", {})
    ask(recorder, "context.get", {"audience": "https://a.example", "token": "signed by the host"})
    ask(recorder, "http.fetch", {"headers": "signed by the host"})
    found = recorder.end(CALL)
    assert (found.cut, len(read_transcript(found.data, where="t"))) == ("signed", 1)
    assert b"signed by the host" not in found.data


def test_a_host_call_that_was_never_answered_cuts_the_transcript() -> None:
    recorder = Recorder(Echo())
    recorder.begin(CALL)
    steps = recorder.answer("wait", {}, scope(), time.monotonic() + 60)
    next(steps)
    steps.close()
    assert recorder.end(CALL).cut == "unanswered"


def test_answers_come_in_order_and_only_to_the_same_question() -> None:
    recorder = Recorder(Echo())
    recorder.begin(CALL)
    for number in range(2):
        ask(recorder, "m", {"a": number})
    replayer = Replayer(read_transcript(recorder.end(CALL).data, where="t"))
    assert (replayer.left, ask(replayer, "m", {"a": 0}).result, replayer.left) == (2, {"a": 0}, 1)
    with pytest.raises(Refused) as caught:
        ask(replayer, "m", {"a": 0})
    assert caught.value.code == "audit.replay"
    assert ask(replayer, "m", {"a": 1}).result == {"a": 1}
    with pytest.raises(Refused):
        ask(replayer, "m", {"a": 1})


# -- salts


@pytest.fixture
def where(home: Path) -> Home:
    return Home(path=str(home))


@pytest.fixture
def log(where: Home) -> Iterator[AuditLog]:
    with AuditLog(where, clock=TestClock(NOW)) as found:
        yield found


def event(kind: str = "intent", *, invocation: str = CALL, digest: str = "0" * 64, **body: Json) -> Event:
    return Event(kind=kind, at=NOW, tenant="local", invocation=invocation, body=body, commit={"in": digest})


def test_salts_are_read_and_erased_in_each_segment(log: AuditLog) -> None:
    places = log.places
    first = [log.record(event()).seq for _ in range(3)]
    log.seal()
    second = [log.record(event()).seq for _ in range(3)]
    assert (first_of(places, first[0]), first_of(places, second[-1])) == (0, 5)
    kept = [read_salt(places, seq) for seq in first + second]
    assert len(set(kept)) == 6
    seen = SaltsRead(places)
    assert [seen.has(seq) for seq in (0, *first, 4, *second, 99)] == [False, True, True, True, False, True, True, True, False]
    sync_salt(places, second[0])
    # From the last of the first segment to the first of the second, with what says nothing in between.
    assert erase_salts(places, [(first[-1], second[0])]) == 2
    assert erase_salts(places, [(first[-1], second[0])]) == 0
    assert [read_salt(places, seq) for seq in first + second] == [*kept[:2], NO_SALT, NO_SALT, *kept[4:]]


def test_erasing_behind_the_end_makes_no_file_longer(log: AuditLog) -> None:
    seq = log.record(event()).seq
    path = Path(log.places.salts(0))
    size = path.stat().st_size
    assert erase_salts(log.places, [(seq + 1, 10**9)]) == 0
    assert path.stat().st_size == size


def test_a_log_without_salts_has_none(log: AuditLog, where: Home) -> None:
    with pytest.raises(Refused) as caught:
        read_salt(where.log, 0)
    assert caught.value.code == "audit.no_entry"
    seq = log.record(event()).seq
    os.unlink(log.places.salts(0))
    assert read_salt(log.places, seq) == NO_SALT
    assert not SaltsRead(log.places).has(seq)
    assert erase_salts(log.places, [(0, seq)]) == 0
    sync_salt(log.places, seq)


def test_salts_behind_a_link_are_not_touched(log: AuditLog, tmp_path: Path) -> None:
    """Attack: an erasure that overwrites a file elsewhere."""
    seq = log.record(event()).seq
    other = tmp_path / "other"
    other.write_bytes(b"x" * 1000)
    os.unlink(log.places.salts(0))
    os.symlink(other, log.places.salts(0))
    with pytest.raises(HostFailed) as caught:
        erase_salts(log.places, [(0, seq)])
    assert caught.value.code == "audit.salts"
    assert other.read_bytes() == b"x" * 1000


# -- the store


def test_the_setting_comes_back(where: Home) -> None:
    config = VaultConfig(recipient=public_of(PRIVATE), keep=("result", "paths"))
    assert (load_config(where.log), remove_config(where.log)) == (None, False)
    save_config(where.log, config)
    assert load_config(where.log) == config
    assert remove_config(where.log)
    assert load_config(where.log) is None


def test_a_setting_that_is_a_link_is_refused(where: Home, tmp_path: Path) -> None:
    save_config(where.log, VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS))
    path = Path(vault_store.config_path(where.log))
    os.rename(path, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(Refused) as caught:
        load_config(where.log)
    assert caught.value.code == "audit.vault"


def test_records_are_counted_never_overwritten_and_removed(log: AuditLog) -> None:
    places = log.places
    seqs = [log.record(event()).seq for _ in range(3)]
    assert (records(places), remove_records(places, [(0, 99)])) == ((0, 0), 0)
    for seq in seqs:
        write_record(places, seq, b"data")
    with pytest.raises(Refused):
        write_record(places, seqs[0], b"other")
    (Path(places.vault) / "0000000000000000" / "notes.txt").write_text("not ours")
    assert records(places) == (3, 12)
    assert remove_records(places, [(seqs[0], seqs[1])]) == 2
    assert records(places) == (1, 4)


def test_a_vault_that_cannot_be_used_says_so(where: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    config = VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS)
    vault_store.judge_usable(where.log, config)
    monkeypatch.setattr(os, "statvfs", lambda _: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(HostFailed) as caught:
        vault_store.judge_usable(where.log, config)
    assert caught.value.code == "audit.vault"
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(HostFailed):
        vault_store.judge_usable(where.log, config)


# -- one call


def run(stdout: bytes = b"out") -> Run:
    return Run(fault=None, exit_code=0, stdout=stdout, stderr=b"", stderr_cut=0, used=Used(), seconds=0.0, reusable=True)


def made(line: bytes = b'{"name":"greet","arguments":{},"_meta":{}}\n', folders: tuple[str, ...] = ()) -> Made:
    return Made(tool="greet", line=line, arguments=b"{}", now_ns=1, memory_bytes=1, variables=0, folders=folders, run=run(), shown=b"")


def vault(log: AuditLog, events: object = None, keep: tuple[str, ...] = KEEPS) -> CallVault:
    save_config(log.places, VaultConfig(recipient=public_of(PRIVATE), keep=keep))
    found = vault_for(log.places, TestRandom(), Recorder(Echo()), log if events is None else events, CALL)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_nothing_stands_between_where_it_is_off(log: AuditLog) -> None:
    assert vault_for(log.places, TestRandom(), Recorder(Echo()), log, CALL) is None


def test_one_call_is_kept_and_opened(log: AuditLog) -> None:
    one = vault(log)
    one.record(event("decision"))
    seq = one.record(event(), durable=True).seq
    one.record(event(invocation=OTHER))
    digest = one.keep(made())
    assert len(digest) == 64
    opened = open_call(LogReader(log.places), find_call(LogReader(log.places), seq), PRIVATE)
    assert (opened.call.intent.seq, opened.call.result, opened.holds) == (seq, None, False)
    # The intent of this test commits to other arguments than the record holds.
    assert opened.checked == {"in": False, "out_raw": None, "out_shown": None, "record": None}
    assert opened.payload.sent is not None
    assert opened.payload.sent.line == made().line


def test_what_goes_wrong_afterwards_is_a_code_and_no_error(log: AuditLog) -> None:
    assert vault(log).keep(made()) == "audit.vault"
    one = vault(log)
    one.record(event())
    assert one.keep(made(folders=("\ud800",))) == "audit.vault"
    assert len(one.keep(made())) == 64
    assert one.keep(made()) == "host.exists"


def test_an_intent_without_a_salt_here_stops_the_call(log: AuditLog) -> None:
    with pytest.raises(HostFailed) as caught:
        vault(log).record(Event(kind="intent", at=NOW, tenant="local", invocation=CALL, body={}))
    assert caught.value.code == "audit.vault"


class Elsewhere(KeptEvents):
    """A record of somebody else's, whose numbers also exist here."""

    def record(self, event: Event, *, durable: bool = False) -> EntryRef:
        super().record(event, durable=durable)
        return EntryRef(1, "0" * 64)


def test_the_numbers_of_another_record_are_not_taken_for_ours(log: AuditLog) -> None:
    log.record(event())
    with pytest.raises(MppError) as caught:
        vault(log, Elsewhere()).record(event())
    assert caught.value.code == "audit.vault"


def test_a_program_that_runs_tools_keeps_them_too(where: Home, tmp_path: Path) -> None:
    """The integration API, with the record of the home."""
    path = tmp_path / "tool.mpp"
    path.write_bytes(packages.signed(None, None, {packages.ENTRYPOINT: greeting()}))
    found = Gatekeeper.verify_file(path, packages.trusting(publisher()), packages.NOW)
    granted = PermissionPolicy().trust_package("com.example.hello").evaluate(found.manifest, "greet")
    assert isinstance(granted, Granted)
    save_config(where.log, VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS))
    config = SandboxConfig(stdin_data=b'{"tool": "greet", "arguments": {"name": "Ada"}}', capability_token=granted.token)
    with WasmSandbox(home=where) as box:
        output = box.execute(found.wasm_binary, config)
        reader = LogReader(where.log)
        opened = open_call(reader, find_call(reader, output.invocation), PRIVATE)
        assert opened.payload.sent is not None
        assert opened.payload.sent.arguments == b'{"name":"Ada"}'
        assert opened.checked == {"in": True, "out_raw": True, "out_shown": True, "record": True}
        assert replay(package_of(found.manifest), opened, where.log, None).same
        # Nothing runs once the vault cannot be used.
        Path(vault_store.config_path(where.log)).write_text("{")
        with pytest.raises(MppError):
            box.execute(found.wasm_binary, config)
        assert len([one for one in reader.entries() if one.event.kind == "intent"]) == 1
    with WasmSandbox(home=where, events=KeptEvents()) as box:
        save_config(where.log, VaultConfig(recipient=public_of(PRIVATE), keep=KEEPS))
        # Attack on oneself: a record elsewhere, and a vault here that would take the salts of other entries.
        with pytest.raises(MppError):
            box.execute(found.wasm_binary, config)


def test_the_newest_lines_are_found_without_reading_the_log(log: AuditLog, monkeypatch: pytest.MonkeyPatch) -> None:
    first = log.record(event())
    for _ in range(60):
        log.record(event(filler="x" * 3000))
    refs = [first, *(log.record(event(note=f'"seq":{first.seq}}}')) for _ in range(3))]
    assert [leaf_of(subject.newest_line(log.places, one.seq)) for one in refs] == [one.leaf for one in refs]
    log.seal()
    assert leaf_of(subject.newest_line(log.places, refs[-1].seq)) == refs[-1].leaf
    newest = log.record(event())
    assert leaf_of(subject.newest_line(log.places, newest.seq)) == newest.leaf
    os.rename(log.places.segment(0), log.places.segment(0) + ".away")
    with pytest.raises(MppError):
        subject.newest_line(log.places, first.seq)


def test_erased_is_told_from_never_kept(log: AuditLog) -> None:
    one = vault(log)
    seq = one.record(event()).seq
    one.keep(made())
    reader = LogReader(log.places)
    erase_salts(log.places, [(seq, seq)])
    with pytest.raises(Refused) as caught:
        open_call(reader, find_call(reader, CALL), PRIVATE)
    assert caught.value.code == "audit.erased"
    assert subject.commits_to(log.places, reader.entry(seq), "in", "0" * 64) is None
    assert subject.commits_to(log.places, None, "in", "0" * 64) is None
