"""The commands that read the record: tail, show, search, stats and export."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mpp.cli.audit import tail
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.pseudonyms import pseudonym
from mpp.host.audit.reader import LogReader
from mpp.host.audit.salts import erase_salts
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story
from tests.cli.conftest import Mpp

APPROVED = Story(number=2, at=NOW + 60, package="com.example.crm", tool="export", approver="ada", hosts=("api.example.com",))
"""One of the calls of ``some_days``."""


@pytest.fixture
def places(home: Path) -> LogPlaces:
    auditlogs.write(home, auditlogs.some_days())
    return Home(path=str(home)).log


def numbers(answer) -> list[int]:
    assert answer.code == 0, answer.err
    return [int(line.split()[0]) for line in answer.out.splitlines()]


def seqs(answer) -> list[int]:
    assert answer.code == 0, answer.err
    assert answer.json["ok"] is True
    return [one["seq"] for one in answer.json["entries"]]


# -- tail


def test_tail_shows_the_newest_last(mpp: Mpp, places: LogPlaces) -> None:
    size = LogReader(places).last() + 1
    assert numbers(mpp("audit", "tail")) == list(range(size - 20, size))
    answer = mpp("audit", "tail", "-n", 2)
    assert numbers(answer) == [size - 2, size - 1]
    assert "2026-01-04 00:00:00 UTC  stop              com.bad.tool  by ada" in answer.out
    assert numbers(mpp("audit", "tail", "-n", 0)) == []
    assert len(numbers(mpp("audit", "tail", "-n", 1000))) == size


def test_tail_of_some_kinds_looks_back_as_far_as_needed(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "WINDOW", 7)
    kinds = [(line["seq"], line["kind"]) for line in map(json.loads, mpp("audit", "tail", "-n", 1000, "--json").out.splitlines())]
    wanted = [seq for seq, kind in kinds if kind in {"consent", "receipt"}]
    assert numbers(mpp("audit", "tail", "-n", 1000, "--kind", "consent", "--kind", "receipt")) == wanted
    assert numbers(mpp("audit", "tail", "-n", 3, "--kind", "receipt")) == wanted[-3:]


def test_tail_as_json_is_one_object_a_line(mpp: Mpp, places: LogPlaces) -> None:
    found = [json.loads(line) for line in mpp("audit", "tail", "--json").out.splitlines()]
    assert len(found) == 20
    assert found[-1]["kind"] == "stop"
    assert set(found[-1]) == {"seq", "at", "time", "kind", "tenant", "invocation", "body", "commit"}


def test_tail_follows(mpp: Mpp, places: LogPlaces, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size, turns = LogReader(places).last() + 1, list[float]()

    def wait(seconds: float) -> None:
        turns.append(seconds)
        if len(turns) > 2:
            raise KeyboardInterrupt
        auditlogs.write(home, [*auditlogs.refused(Story(number=len(turns))), *auditlogs.changed_trust()])

    monkeypatch.setattr(tail, "_sleep", wait)
    answer = mpp("audit", "tail", "-n", 1, "--follow")
    assert [int(line.split()[0]) for line in answer.out.splitlines()] == list(range(size - 1, size + 4))
    turns.clear()
    answer = mpp("audit", "tail", "-n", 0, "--follow", "--kind", "trust")
    assert [int(line.split()[0]) for line in answer.out.splitlines()] == [size + 5, size + 7]


def test_tail_of_nothing(mpp: Mpp) -> None:
    answer = mpp("audit", "tail")
    assert (answer.code, answer.out) == (0, "")
    assert "empty" in answer.err


def test_a_hostile_name_moves_no_cursor(mpp: Mpp, home: Path) -> None:
    name = "a\x1b[2J\nb\u202ec" + "x" * 500
    body = {"package": name, "tool": name, "code": name, "by": name, "hosts": [name], "agent": {"name": name}}
    auditlogs.write(home, [Event(kind="refused", at=NOW, tenant="t", invocation="ab" * 16, body=body)])
    for words in (["tail"], ["show", "1"], ["show", "ab"], ["search", "--package", "a*"], ["stats"]):
        answer = mpp("audit", *words)
        assert answer.code == 0, words
        assert all(one.isprintable() for one in answer.out.replace("\n", "")), words
    assert max(map(len, mpp("audit", "tail").out.splitlines())) < 1000


# -- show


def test_show_an_entry(mpp: Mpp, places: LogPlaces) -> None:
    seq = next(entry.seq for entry in LogReader(places).entries() if entry.event.kind == "intent")
    entry = LogReader(places).entry(seq)
    answer = mpp("audit", "show", seq)
    assert answer.code == 0
    for words in (entry.leaf, entry.prev, "2026-01-01 00:00:00 UTC", "com.example.hello", "agent.name", "claude", f"commitment in  {entry.event.commit['in']}"):
        assert words in answer.out
    found = mpp("audit", "show", seq, "--json").json
    assert (found["ok"], found["leaf"], found["body"], found["checks"]) == (True, entry.leaf, entry.event.body, [])


def test_show_an_entry_that_is_not_there(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "show", 9999)
    assert answer.code == 27
    assert "[audit.no_entry]" in answer.err


def test_show_a_line_that_is_not_as_it_was_written(mpp: Mpp, places: LogPlaces) -> None:
    path = Path(places.segment(0))
    path.write_bytes(path.read_bytes().replace(b'"kind":"stop"', b'"kind":"stpo"'))
    assert mpp("audit", "show", LogReader(places).last()).code == 27


def test_the_story_of_a_call(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "show", APPROVED.invocation[:8])
    assert answer.code == 0, answer.err
    for words in (
        f"Call {APPROVED.invocation}", "agent claude, launched", "com.example.crm 0.1.0, tool export", APPROVED.content, "ask by user/developer/default, risk 12",
        "yes by user:ada, tty", "user:ada, tty; used up by this call", "hosts: api.example.com; host calls: 1", "read: /data", "because of approval",
    ):  # fmt: skip
        assert words in answer.out, words
    topics = [line.split("  ")[1] for line in answer.out.splitlines()[1:] if line.endswith("]") and "[entry" in line]
    assert topics == [
        "asked", "answered", "who asked", "user", "package", "publisher", "exact bytes", "declared", "decided", "granted", "approved by", "ran", "went in", "used",
        "ended", "came out", "was passed on", "receipt",
    ]  # fmt: skip
    entries = {int(line.rpartition("[entry ")[2].rstrip("]")) for line in answer.out.splitlines() if "[entry " in line}
    assert entries == {one["entry"] for one in mpp("audit", "show", APPROVED.invocation, "--json").json["story"]}


def test_the_story_of_calls_that_ended_otherwise(mpp: Mpp, home: Path) -> None:
    denied, refused, cut = Story(number=5), Story(number=6), Story(number=7)
    interrupted = cut.event("interrupted", {"package": cut.package, "tool": cut.tool})
    behalf = [{"kind": "agent", "name": "u1", "proof": "signed"}, 7]
    strange = [Story(number=8).event("agent", {"name": "", "behalf": behalf}), Story(number=8).event("intent", {"because": 7, "agent": 7}),
               Story(number=8).event("decision", {"facts": {"scope": {"read": [{}, *map(str, range(12))], "until": 5, "kv": None}}}),
               Story(number=8).event("result", {"kv": {"get": 2}, "secrets": ["token"], "files_read": 3})]  # fmt: skip
    auditlogs.write(home, [*auditlogs.denied(denied), *auditlogs.refused(refused, "signature.invalid"), interrupted, *strange])
    assert "deny by user/developer/no-strangers" in mpp("audit", "show", denied.invocation[:9]).out
    assert "signature.invalid" in mpp("audit", "show", refused.invocation).out
    assert "interrupted" in mpp("audit", "show", cut.invocation.upper()).out
    out = mpp("audit", "show", Story(number=8).invocation).out
    for words in (
        "agent (no name), anonymous",
        "on behalf of",
        "u1",
        "secrets: token; stored state: get 2; files read: 3",
        "and 5 more; until: 5",
        "nothing that is named",
    ):
        assert words in out, words


def test_show_a_call_that_is_none(mpp: Mpp, places: LogPlaces) -> None:
    for what, code, exit_code in (("f" * 32, "audit.unknown_call", 27), ("", "usage.entry", 2), ("xyz", "usage.entry", 2), ("a" * 33, "usage.entry", 2)):
        answer = mpp("audit", "show", what)
        assert (answer.code, f"[{code}]" in answer.err) == (exit_code, True), what


def test_a_beginning_of_several_calls(mpp: Mpp, home: Path) -> None:
    auditlogs.write(home, [Event(kind="agent", at=NOW, tenant="t", invocation=f"ab{number:030x}", body={"name": "a"}) for number in range(2)])
    answer = mpp("audit", "show", "ab")
    assert (answer.code, "[audit.several]" in answer.err) == (27, True)


def test_a_call_whose_entries_are_pruned(mpp: Mpp, places: LogPlaces, home: Path) -> None:
    auditlogs.write(home, auditlogs.refused(Story(number=99)), seal_every=1)
    assert mpp("audit", "stats").code == 0
    auditlogs.write(home, auditlogs.refused(Story(number=98)))
    os.unlink(places.segment(0))
    answer = mpp("audit", "show", APPROVED.invocation)
    assert answer.code == 27, answer.err
    assert "[audit.pruned]" in answer.err or "[audit.unknown_call]" in answer.err


def put(name: str, data: bytes) -> str:
    Path(name).write_bytes(data)
    return name


def test_a_commitment_is_opened_by_the_bytes(mpp: Mpp, places: LogPlaces) -> None:
    right, wrong = put("right", APPROVED.arguments), put("wrong", APPROVED.arguments + b"\n")
    output = put("output", APPROVED.output)
    answer = mpp("audit", "show", APPROVED.invocation, "--check-in", right, "--check-out", output)
    assert answer.code == 0, answer.err
    assert "right is what entry" in answer.out
    assert [(one["name"], one["fits"]) for one in mpp("audit", "show", APPROVED.invocation, "--check-in", right, "--check-out", output, "--json").json["checks"]] == [
        ("in", True), ("out_raw", True)]  # fmt: skip
    for option, file in (("--check-in", wrong), ("--check-out", right)):
        answer = mpp("audit", "show", APPROVED.invocation, option, file)
        assert answer.code == 27
        assert "[audit.commitment]" in answer.err


def test_a_commitment_of_one_entry(mpp: Mpp, places: LogPlaces) -> None:
    right = put("right", APPROVED.arguments)
    entries = {entry.event.kind: entry.seq for entry in LogReader(places).entries() if entry.event.invocation == APPROVED.invocation}
    assert mpp("audit", "show", entries["intent"], "--check-in", right).code == 0
    assert mpp("audit", "show", entries["decision"], "--check-in", right).code == 0
    answer = mpp("audit", "show", entries["agent"], "--check-in", right)
    assert "[audit.no_commitment]" in answer.err
    erase_salts(places, [(entries["intent"], entries["intent"])])
    answer = mpp("audit", "show", entries["intent"], "--check-in", right)
    assert (answer.code, "[audit.erased]" in answer.err) == (27, True)


# -- search


def test_search_by_what_another_entry_of_the_call_says(mpp: Mpp, places: LogPlaces) -> None:
    found = mpp("audit", "search", "--host", "api.example.com", "--package", "com.example.crm", "--agent", "planner", "--kind", "intent", "--json")
    assert len(seqs(found)) == 2
    assert {one["body"]["agent"]["name"] for one in found.json["entries"]} == {"planner"}
    assert seqs(mpp("audit", "search", "--host", "api.example.com", "--package", "com.example.hello", "--json")) == []


def options(mpp: Mpp, *words: object) -> int:
    return len(seqs(mpp("audit", "search", *words, "--limit", 1000, "--json")))


def test_search_by_each_option(mpp: Mpp, places: LogPlaces) -> None:
    assert options(mpp, "--kind", "intent") == 12
    assert options(mpp, "--kind", "intent", "--package", "com.example.*") == 12
    assert options(mpp, "--kind", "intent", "--tool", "greet") == 6
    assert options(mpp, "--tool", "another") == 0, "a right that covers a tool is no call of it"
    assert options(mpp, "--kind", "intent", "--approver", "ada") == 6
    assert options(mpp, "--kind", "intent", "--approver", "user:ada") == 6
    assert options(mpp, "--kind", "intent", "--publisher", APPROVED.publisher_id[:9] + "*") == 12
    assert options(mpp, "--kind", "intent", "--content", APPROVED.content) == 6
    assert options(mpp, "--kind", "decision", "--decision", "deny") == 3
    assert options(mpp, "--kind", "decision", "--decision", "deny", "--decision", "allow") == 9
    assert options(mpp, "--code", "policy.denied", "--kind", "refused") == 3
    assert options(mpp, "--code", "policy.*", "--kind", "refused") == 3
    assert options(mpp, "--outcome", "ok", "--kind", "result") == 12
    assert options(mpp, "--rule", "no-strangers", "--kind", "decision") == 3
    assert options(mpp, "--approval", APPROVED.jti) >= 5
    assert options(mpp, "--tenant", "host") == 1
    assert options(mpp, "--tenant", "nobody") == 0
    assert options(mpp, "--invocation", APPROVED.invocation[:10]) == 8
    assert options(mpp, "--risk", 80) == 3


def test_search_by_time(mpp: Mpp, places: LogPlaces) -> None:
    now = ("--now", NOW + 3 * DAY)
    assert options(mpp, "--kind", "decision", "--decision", "deny", "--since", "2026-01-02") == 2
    assert options(mpp, "--kind", "decision", "--decision", "deny", "--until", "2026-01-02") == 2, "a day is meant with its evening"
    assert options(mpp, "--kind", "decision", "--decision", "deny", "--until", "2026-01-02T00:00:00Z") == 1
    assert options(mpp, "--kind", "refused", "--code", "policy.denied", "--since", "36h", *now) == 1
    assert options(mpp, "--kind", "refused", "--since", "9w", *now) == 10
    assert mpp("audit", "search", "--since", "yesterday").code == 2


def test_search_by_the_name_of_a_user(mpp: Mpp, places: LogPlaces, home: Path) -> None:
    assert options(mpp, "--user", "ada") == 0
    auditlogs.write(home, auditlogs.runs(Story(number=77, user=pseudonym(places, "ada"))))
    assert options(mpp, "--user", "ada", "--kind", "intent") == 1
    assert options(mpp, "--user", pseudonym(places, "ada"), "--kind", "intent") == 1
    assert options(mpp, "--user", "eve") == 0


def test_search_for_people(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "search", "--kind", "intent", "--limit", 2)
    assert len(numbers(answer)) == 2
    assert numbers(answer) == sorted(numbers(answer))
    assert "older ones" in answer.err
    answer = mpp("audit", "search", "--package", "none")
    assert (answer.code, answer.out) == (0, "")
    assert "Nothing is found" in answer.err


def test_search_says_what_is_pruned(mpp: Mpp, home: Path) -> None:
    auditlogs.write(home, [event for number in range(256) for event in auditlogs.refused(Story(number=number))], seal_every=256)
    places = Home(path=str(home)).log
    assert options(mpp, "--kind", "refused") == 256
    auditlogs.write(home, auditlogs.refused(Story(number=300)))
    os.unlink(places.segment(0))
    answer = mpp("audit", "search", "--kind", "refused", "--limit", 1000)
    assert len(numbers(answer)) == 1
    assert "256 more were found" in answer.err
    assert mpp("audit", "search", "--kind", "refused", "--limit", 1000, "--json").json["pruned"] == 256


def test_wrong_words(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "search", "--kind", "nothing").code == 2
    assert mpp("audit", "search", "--invocation", "xyz").code == 2
    assert mpp("audit", "search", "--limit", 0).code == 2


@pytest.mark.parametrize("words", [("search",), ("stats",), ("show", "ab"), ("export", "--to", "x"), ("export", "--from", "0")])
def test_where_there_is_no_record(mpp: Mpp, words: tuple[str, ...]) -> None:
    answer = mpp("audit", *words)
    assert (answer.code, "[audit.empty]" in answer.err) == (27, True)


def test_a_damaged_index_is_no_matter(mpp: Mpp, places: LogPlaces) -> None:
    before = options(mpp, "--kind", "intent")
    Path(places.index).write_bytes(b"no database" * 1000)
    assert options(mpp, "--kind", "intent") == before
    assert options(mpp, "--kind", "intent", "--rebuild") == before


def test_a_long_wait_is_explained(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.cli.audit.index_use.TOLD_FROM", 1)
    assert "Indexing: 127 of 127" in mpp("audit", "search", "--kind", "intent").err.replace(",", "").replace(str(LogReader(places).last() + 1), "127")


# -- stats


def test_stats(mpp: Mpp, places: LogPlaces) -> None:
    found = mpp("audit", "stats", "--json").json
    assert found["ok"]
    assert found["counts"] == {"calls": 12, "refused": 10, "denied": 3, "asked": 6, "approved": 6, "failed": 0, "interrupted": 0, "stops": 1}
    assert found["entries"] == LogReader(places).last() + 1
    assert found["by_agent"] == {"claude": 8, "planner": 4}
    assert sum(one["calls"] for one in found["inventory"]) == 12
    assert {one["content"] for one in found["inventory"]} == {APPROVED.content, Story().content}
    text = mpp("audit", "stats").out
    for words in ("Which agents use which tools", "com.example.crm/export", APPROVED.content[:12], "approval.required"):
        assert words in text


def test_stats_of_a_time(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "stats", "--since", "2026-01-02", "--until", "2026-01-02", "--json").json["counts"]["calls"] == 4
    nothing = mpp("audit", "stats", "--since", "2030-01-01")
    assert nothing.out.startswith("0 entries")


def test_long_tables_are_cut_on_the_screen(mpp: Mpp, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auditlogs.write(home, [event for number in range(30) for event in auditlogs.runs(Story(number=number, package=f"p.x{number}", agent=""))])
    out = mpp("audit", "stats").out
    assert "and 15 more: --json has them" in out
    assert "(no agent)" in out
    monkeypatch.setattr("mpp.host.audit.counting.ROWS_MAX", 3)
    answer = mpp("audit", "stats")
    assert "most frequent" in answer.err
    assert mpp("audit", "stats", "--json").json["cut"] is True


# -- export


def test_export_a_copy(mpp: Mpp, places: LogPlaces) -> None:
    answer = mpp("audit", "export", "--to", "copy")
    assert answer.code == 0, answer.err
    assert "mpp audit verify copy" in answer.err
    assert mpp("audit", "verify", "copy", "--deep", "--require", "signed").code == 0
    again = mpp("audit", "export", "--to", "copy", "--json").json
    assert (again["ok"], again["written"], again["size"]) == (True, 0, LogReader(places).last() + 1)


def test_export_as_tlog(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.cli.audit.export.TOLD_EVERY", 1)
    answer = mpp("audit", "export", "--to", "tiles", "--tlog")
    assert answer.code == 0, answer.err
    assert "Written:" in answer.err
    assert Path("tiles/checkpoint").exists()


def test_export_lines(mpp: Mpp, places: LogPlaces, process: Callable) -> None:
    whole = list(LogReader(places).lines())
    answer = process("audit", "export", "--from", "3", "--to-entry", "5")
    assert answer.out.encode().splitlines() == whole[3:6]
    answer = mpp("audit", "export", "--out", "part.jsonl", "--from", 120)
    assert answer.code == 0, answer.err
    assert Path("part.jsonl").read_bytes().splitlines() == whole[120:]
    assert Path("part.jsonl").stat().st_mode & 0o777 == 0o600
    assert mpp("audit", "export", "--out", "all.jsonl", "--json").json == {"ok": True, "file": "all.jsonl", "entries": len(whole)}


def test_an_export_that_fails_leaves_nothing(mpp: Mpp, places: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    assert mpp("audit", "export", "--out", "part.jsonl").code != 0
    assert os.listdir() == []


@pytest.mark.parametrize("words", [(), ("--tlog",), ("--to", "x", "--from", 1), ("--to", "x", "--out", "y"), ("--from", 1, "--json")])
def test_export_needs_one_place(mpp: Mpp, places: LogPlaces, words: tuple[object, ...]) -> None:
    assert mpp("audit", "export", *words).code == 2


def test_the_last_entry_has_a_name(mpp: Mpp, places: LogPlaces) -> None:
    assert mpp("audit", "show", "last", "--json").json["seq"] == LogReader(places).last()
