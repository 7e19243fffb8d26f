"""The search index: it finds what a plain look at all entries finds, follows the log, and is made anew whenever it is not its own."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import apsw
import pytest
from hypothesis import example, given, HealthCheck, settings
from hypothesis import strategies as some

from mpp.errors import HostFailed
from mpp.host.audit import index, index_schema
from mpp.host.audit.counting import count, stored
from mpp.host.audit.index import ask
from mpp.host.audit.index_schema import call_key
from mpp.host.audit.places import LogPlaces, segment_files
from mpp.host.audit.reader import LogReader
from mpp.host.audit.searching import calls_like, find, lines_of, of_approval, of_call
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.told import glance, Line, told_of
from mpp.stages.audit.wanted import Condition, FACTS, is_in, names_of, says, Wanted
from mpp.testing.packages import NOW
from tests import auditlogs
from tests.auditlogs import DAY, Story

EVERYTHING = Wanted()


def varied() -> list[Event]:
    """Each fact with several values, calls that touch and calls that do not, entries without a call."""
    events = auditlogs.some_days(days=2, calls=3)
    for number, (package, agent) in enumerate([("com.example.crm", "planner"), ("com.example.hello", "claude"), ("org.other", "")], 500):
        story = Story(
            number=number, at=NOW + number, package=package, agent=agent, hosts=("a.example.com", "b.example.com")[: number % 3], outcome="call.timeout",
            risk=number - 450, user=f"{number:032d}", tenant="other" if number == 501 else "local",
        )  # fmt: skip
        events += auditlogs.runs(story)
    behalf = {"name": "boss", "proof": "signed", "behalf": [{"kind": "agent", "name": "u1"}, {"kind": "agent", "name": "u2"}]}
    token = {"package": "p", "tools": ["greet", "export", "third"]}
    return [*events, *auditlogs.asks(Story(number=700)), *auditlogs.answers(Story(number=700), yes=False),
            Event(kind="agent", at=NOW, tenant="local", invocation="", body=behalf),
            Event(kind="token-narrowed", at=NOW, tenant="local", invocation="ab" * 16, body=token)]  # fmt: skip


def made(folder: Path, events: Iterable[Event], seal_every: int = 0) -> LogPlaces:
    auditlogs.write(folder, events, seal_every=seal_every)
    return Home(path=str(folder)).log


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> LogPlaces:
    """For those who only read it."""
    return made(tmp_path_factory.mktemp("log"), varied(), seal_every=40)


def written(places: LogPlaces) -> list[bytes]:
    """The lines of the first segment, without the room behind them."""
    return [one + b"\n" for one in Path(places.segment(0)).read_bytes().rstrip(b"\0").splitlines()]


def all_lines(places: LogPlaces) -> list[Line]:
    return [line for data in LogReader(places).lines() if (line := glance(data)) is not None]


def naive(lines: list[Line], wanted: Wanted, limit: int) -> tuple[int, ...]:
    said = {line.seq: told_of(line) for line in lines}
    calls: dict[str, list[int]] = {}
    for line in lines:
        calls.setdefault(line.invocation, []).append(line.seq)

    def holds(condition: Condition, line: Line) -> bool:
        others = calls[line.invocation] if line.invocation else [line.seq]
        return any(says(condition, said[seq]) for seq in others)

    found = [line.seq for line in lines if is_in(wanted, line, said[line.seq]) and all(holds(one, line) for one in wanted.conditions)]
    return tuple(sorted(found, reverse=True)[:limit])


def dump(connection: apsw.Connection) -> tuple[set, set, tuple]:
    """All rows, with words in place of numbers."""
    columns = ", ".join(f"(SELECT text FROM name WHERE id = e.{one})" for one in ("kind", "tenant", *index_schema.SINGLE))
    entries = set(connection.execute(f"SELECT seq, at, invocation, risk, {columns} FROM entry e"))
    more = set(connection.execute("SELECT fact, (SELECT text FROM name WHERE id = m.name), seq FROM more m"))
    return entries, more, connection.execute("SELECT log, next, leaf FROM about").fetchone()


def seqs(connection: apsw.Connection) -> tuple[int, ...]:
    return find(connection, EVERYTHING, 10_000)


# -- what is found

VALUES = {fact: sorted({name for event in varied() for name in names_of(fact, told_of(Line(0, 0, event.kind, "", "", event.body, {})))}) for fact in FACTS}


@some.composite
def conditions(draw: some.DrawFn) -> Condition:
    fact = draw(some.sampled_from(FACTS))
    names = draw(some.lists(some.sampled_from([*VALUES[fact], "unknown", ""]), min_size=1, max_size=2))
    return Condition(fact, tuple(name[: draw(some.integers(0, 12))] + "*" if draw(some.booleans()) else name for name in names))


WANTED = some.builds(
    Wanted,
    kinds=some.lists(some.sampled_from(["intent", "result", "decision", "agent", "stop", "question"]), max_size=2).map(tuple),
    since=some.none() | some.integers(NOW - 10, NOW + 2 * DAY),
    until=some.none() | some.integers(NOW - 10, NOW + 2 * DAY),
    tenant=some.sampled_from(["", "local", "other", "host", "none"]),
    invocation=some.sampled_from(["", "a", "ab", "abab", "0", Story(number=500).invocation[:7]]),
    risk=some.none() | some.integers(0, 100),
    conditions=some.lists(conditions(), max_size=3).map(tuple),
)


@given(WANTED, some.integers(1, 200))
@example(Wanted(conditions=(Condition("host", ("a.example.com",)), Condition("package", ("com.example.hello",)))), 200)
@example(Wanted(conditions=(Condition("rule", ("default",)),), kinds=("intent",)), 200)
@example(Wanted(conditions=(Condition("tool", ("another",)),)), 200)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_search_finds_what_a_plain_look_finds(log: LogPlaces, wanted: Wanted, limit: int) -> None:
    assert ask(log, lambda connection: find(connection, wanted, limit)) == naive(all_lines(log), wanted, limit)


def test_each_fact_can_be_searched_for(log: LogPlaces) -> None:
    lines = all_lines(log)
    for fact in FACTS:
        assert VALUES[fact], fact
        for name in VALUES[fact]:
            wanted = Wanted(conditions=(Condition(fact, (name,)),))
            found = ask(log, lambda connection, wanted=wanted: find(connection, wanted, 10_000))
            assert found == naive(lines, wanted, 10_000) != (), (fact, name)


NAMES = some.text(some.characters(exclude_categories=["Cs"]), max_size=8) | some.sampled_from(["a", "b", "%", "_", "'", "a/b", "\x00"])


@given(some.lists(some.tuples(some.sampled_from(["intent", "result", "refused"]), some.sampled_from(["", "aa" * 16, "bb" * 16, "no id"]), NAMES, NAMES), min_size=1, max_size=12),
       some.sampled_from(["package", "tool", "host", "code", "rule"]), NAMES)  # fmt: skip
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_of_any_form_are_found(tmp_path_factory: pytest.TempPathFactory, rows: list, fact: str, name: str) -> None:
    events = [
        Event(kind=kind, at=NOW, tenant="local", invocation=call, body={"package": first, "tool": second, "hosts": [first, second], "code": second, "rule": first})
        for kind, call, first, second in rows
    ]  # fmt: skip
    places = made(tmp_path_factory.mktemp("names"), events)
    # Names are told without NUL, so nobody looks for one.
    wanted = Wanted(conditions=(Condition(fact, (name.replace("\x00", "\ufffd"),)),))
    assert ask(places, lambda connection: find(connection, wanted, 99)) == naive(all_lines(places), wanted, 99)


def test_the_entries_of_a_call_and_of_an_approval(log: LogPlaces) -> None:
    story = Story(number=2, at=NOW + 60, approver="ada")
    own = ask(log, lambda connection: of_call(connection, story.invocation, 99))
    assert own == tuple(line.seq for line in all_lines(log) if line.invocation == story.invocation)
    approval = ask(log, lambda connection: of_approval(connection, story.jti, 99))
    kinds = [line.kind for line in lines_of(log, approval)]
    assert kinds == ["question", "answer", "approval-spent", "intent", "receipt"]
    assert ask(log, lambda connection: of_approval(connection, "no such", 99)) == ()


def test_calls_by_the_beginning_of_their_id(log: LogPlaces) -> None:
    story = Story(number=500)
    for digits in (1, 3, 7, 8, 32):
        found = ask(log, lambda connection, digits=digits: calls_like(connection, story.invocation[:digits], 99))
        assert set(found) == {line.invocation for line in all_lines(log) if line.invocation.startswith(story.invocation[:digits])}
    assert ask(log, lambda connection: calls_like(connection, "0" * 32, 9)) == ()


def test_an_id_that_is_none_is_no_others() -> None:
    assert call_key("") is None
    assert call_key("ab" * 16) == bytes.fromhex("ab" * 16)
    assert len(call_key("x" * 16) or b"") > 16


def test_the_lines_of_some_entries(log: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    size = LogReader(log).last() + 1
    for wanted in ([], [0], [size - 1], [0, 1, 2, 50, 90], list(range(size)), [3, size + 5]):
        assert [line.seq for line in lines_of(log, wanted)] == [seq for seq in wanted if seq < size]
    monkeypatch.setattr("mpp.host.audit.searching.SKIP_MAX", 1)
    assert [line.seq for line in lines_of(log, [0, 5, 30, 31, 60, 80])] == [0, 5, 30, 31, 60, 80]


# -- following the log


def test_an_index_that_caught_up_is_the_one_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 7)
    monkeypatch.setattr(index_schema, "NAMES_KEPT_MAX", 5)
    events = varied()
    places = made(tmp_path, events[:11])
    for at in range(11, len(events), 23):
        ask(places, seqs)
        auditlogs.write(tmp_path, events[at : at + 23], seal_every=9)
    caught_up = ask(places, dump)
    assert ask(places, dump, rebuild=True) == caught_up
    assert len(caught_up[0]) == LogReader(places).last() + 1
    os.unlink(places.index)
    assert ask(places, dump) == caught_up


def test_nothing_is_indexed_twice(tmp_path: Path) -> None:
    places = made(tmp_path, varied())
    told_of: list[tuple[int, int]] = []
    size = LogReader(places).last() + 1
    ask(places, seqs, tell=lambda done, of: told_of.append((done, of)))
    ask(places, seqs, tell=lambda done, of: told_of.append((done, of)))
    assert told_of == [(size, size)]
    auditlogs.write(tmp_path, auditlogs.refused(Story()))
    ask(places, seqs, tell=lambda done, of: told_of.append((done, of)))
    assert told_of[1:] == [(size + 1, size + 1)]


def test_what_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH", 10)
    places = made(tmp_path, varied())

    def stop(done: int, of: int) -> None:
        if done >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(places, seqs, tell=stop)
    done: list[int] = []
    found = ask(places, dump, tell=lambda now, _: done.append(now))
    assert done[0] == 40
    assert found == ask(places, dump, rebuild=True)


def test_another_log_in_its_place(tmp_path: Path) -> None:
    places, other = made(tmp_path / "a", varied()), made(tmp_path / "b", auditlogs.refused(Story()))
    ask(places, seqs)
    os.rename(places.index, other.index)
    assert ask(other, seqs) == (1, 0)


def test_a_log_that_was_written_anew_behind_the_same_beginning(tmp_path: Path) -> None:
    places = made(tmp_path, auditlogs.refused(Story(), "a.a"))
    ask(places, seqs)
    path = places.segment(0)
    data = Path(path).read_bytes()
    Path(path).write_bytes(data.replace(b'"code":"a.a"', b'"code":"b.b"'))
    assert ask(places, lambda connection: find(connection, Wanted(conditions=(Condition("code", ("b.b",)),)), 9)) == (1,)


def test_a_log_that_was_cut(tmp_path: Path) -> None:
    places = made(tmp_path, varied())
    ask(places, seqs)
    Path(places.segment(0)).write_bytes(b"".join(written(places)[:5]))
    assert ask(places, seqs) == (4, 3, 2, 1, 0)


def test_what_is_pruned_stays_found_and_is_not_read(tmp_path: Path) -> None:
    places = made(tmp_path, varied(), seal_every=40)
    before = ask(places, seqs)
    first, after = list(segment_files(places.segments))[1:3]
    os.unlink(places.segment(first))
    assert ask(places, seqs) == before
    assert [line.seq for line in lines_of(places, [first - 2, first - 1, first, first + 20, after - 1, after, after + 1])] == [
        first - 2,
        first - 1,
        after,
        after + 1,
    ]
    auditlogs.write(tmp_path, auditlogs.refused(Story()))
    assert len(ask(places, seqs)) == len(before) + 1, "the entry that was last is there"
    assert ask(places, seqs, rebuild=True)[-1] == 0


def test_an_index_whose_end_was_pruned_is_compared_by_the_tiles(tmp_path: Path) -> None:
    places = made(tmp_path, [event for number in range(256) for event in auditlogs.refused(Story(number=number))], seal_every=256)
    ask(places, seqs)
    auditlogs.write(tmp_path, [event for number in range(50) for event in auditlogs.refused(Story(number=number))])
    os.unlink(places.segment(0))
    assert 100 in ask(places, seqs), "what was indexed before it was pruned is still found"


def test_lines_that_are_no_entries_do_no_harm(tmp_path: Path) -> None:
    places = made(tmp_path, auditlogs.refused(Story()))
    lines = written(places)
    no_event = b'{"event":{"at":-1},"prev":"%b","seq":2}\n' % (b"0" * 64)
    last = b'{"event":{"at":5,"body":{},"kind":"stop"},"prev":"%b","seq":3}\n' % (b"0" * 64)
    Path(places.segment(0)).write_bytes(b"".join([*lines, b"noise\n", lines[1], no_event, last]))
    assert ask(places, seqs) == (3, 2, 1, 0)
    assert ask(places, lambda connection: find(connection, Wanted(kinds=("unreadable",)), 9)) == (2,)


def test_a_log_without_an_entry(tmp_path: Path) -> None:
    places = Home(path=str(tmp_path)).log
    os.makedirs(places.segments)
    assert ask(places, seqs) == ()


# -- what is not ours


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 400)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE about (next INTEGER)")
    connection.close()


def with_a_trigger(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END")
    connection.close()


def other_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE about SET format = 99")
    connection.close()


def without_its_row(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM about")
    connection.close()


def a_link(path: Path) -> None:
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


@pytest.mark.parametrize("damage", [garbage, cut, foreign, with_a_trigger, other_version, without_its_row, a_link])
def test_what_is_not_ours_is_made_anew(tmp_path: Path, damage) -> None:
    places = made(tmp_path, varied())
    found = ask(places, dump)
    damage(Path(places.index))
    assert ask(places, dump) == found
    assert not os.path.islink(places.index)
    assert os.stat(places.index).st_mode & 0o777 == 0o600


def test_flipped_bytes_anywhere_are_no_crash(tmp_path: Path) -> None:
    """It proves nothing, so a wrong row is no fault; but it never ends in anything but an answer."""
    places = made(tmp_path, varied())
    whole = ask(places, seqs)
    data = Path(places.index).read_bytes()
    answers = Counter[bool]()
    for at in range(0, len(data), 401):
        Path(places.index).write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        answers[ask(places, seqs) == whole] += 1
        for seq in ask(places, lambda connection: of_call(connection, Story(number=500).invocation, 99)):
            assert isinstance(seq, int)
    assert answers[True] > answers[False]


def test_damage_that_shows_only_in_the_question_makes_it_anew(tmp_path: Path) -> None:
    places = made(tmp_path, varied())
    tries: list[int] = []

    def question(connection: apsw.Connection) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise apsw.CorruptError("a page")
        return "found"

    assert ask(places, question) == "found"


def failing(places: LogPlaces, question=seqs) -> HostFailed:
    with pytest.raises(HostFailed) as failure:
        ask(places, question)
    assert failure.value.code == "audit.index"
    assert failure.value.hint
    return failure.value


def test_a_disk_that_fails(tmp_path: Path) -> None:
    def question(connection: apsw.Connection) -> None:
        raise OSError(5, "Input/output error")

    assert "Input/output" in failing(made(tmp_path, varied()), question).message


def test_damage_that_does_not_end(tmp_path: Path) -> None:
    def question(connection: apsw.Connection) -> None:
        raise apsw.CorruptError("a page")

    assert "CorruptError" in failing(made(tmp_path, varied()), question).message


def test_an_index_that_cannot_be_written(tmp_path: Path) -> None:
    places = made(tmp_path, varied())
    os.mkdir(places.index)
    assert "directory" in failing(places).message


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise apsw.FullError("disk")

    monkeypatch.setattr(index_schema.Filler, "add", full)
    assert "FullError" in failing(made(tmp_path, varied())).message


def test_what_was_written_and_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = made(tmp_path, varied())
    monkeypatch.setattr(index, "is_ours", lambda _: False)
    assert "not there" in failing(places).message


# -- several at once


def test_several_ask_at_once(tmp_path: Path) -> None:
    places = made(tmp_path, varied())
    size, found, lock = LogReader(places).last() + 1, list[int](), threading.Lock()

    def work(number: int) -> None:
        for _ in range(4):
            count = len(ask(places, seqs, rebuild=number == 0))
            with lock:
                found.append(count)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [size] * 16


def test_who_reads_sees_one_moment(tmp_path: Path) -> None:
    places = made(tmp_path, varied())

    def question(connection: apsw.Connection) -> tuple[int, int]:
        before = len(seqs(connection))
        if before < 1000:
            auditlogs.write(tmp_path, auditlogs.refused(Story()))
            ask(places, seqs)
        return before, len(seqs(connection))

    before, after = ask(places, question)
    assert before == after
    assert len(ask(places, seqs)) == before + 1


# -- counts


def test_counts(log: LogPlaces) -> None:
    lines = all_lines(log)
    found = ask(log, lambda connection: count(connection, None, None))
    kinds = Counter(line.kind for line in lines)
    assert dict(found.by["kind"]) == kinds
    assert found.entries == len(lines)
    assert (found.first_at, found.last_at) == (min(line.at for line in lines), max(line.at for line in lines))
    assert found.calls == {
        "calls": kinds["intent"], "refused": kinds["refused"], "denied": 2, "asked": kinds["question"], "approved": kinds["approval-spent"], "failed": 3,
        "interrupted": 0, "stops": 1,
    }  # fmt: skip
    intents = [told_of(line) for line in lines if line.kind == "intent"]
    uses = {(one.agent, one.package, one.tool, one.content): one.calls for one in found.uses}
    assert uses == Counter((one.agent, one.package, one.tool, one.content) for one in intents)
    assert dict(found.by["package"]) == Counter(one.package for one in intents)
    assert dict(found.by["decision"]) == Counter(told_of(line).effect for line in lines if told_of(line).effect)
    assert not found.has_more


def test_counts_of_a_time(log: LogPlaces) -> None:
    lines = [line for line in all_lines(log) if NOW + 100 <= line.at <= NOW + 600]
    found = ask(log, lambda connection: count(connection, NOW + 100, NOW + 600))
    assert (found.entries, found.calls["calls"]) == (len(lines), sum(line.kind == "intent" for line in lines))
    nothing = ask(log, lambda connection: count(connection, 5, 6))
    assert (nothing.entries, nothing.first_at, nothing.last_at, set(nothing.calls.values()), nothing.uses) == (0, 0, 0, {0}, ())


def test_tables_are_cut(log: LogPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.host.audit.counting.ROWS_MAX", 1)
    found = ask(log, lambda connection: count(connection, None, None))
    assert found.has_more
    assert len(found.uses) == len(found.by["package"]) == 1


def test_what_lies_on_the_disk(tmp_path: Path) -> None:
    places = made(tmp_path, varied(), seal_every=40)
    found = stored(places)
    assert found.bytes == sum(one.stat().st_size for one in Path(places.segments).iterdir())
    assert (found.segments, found.pruned) == (len(list(Path(places.segments).glob("*.jsonl"))), 0)
    os.unlink(places.segment(list(segment_files(places.segments))[1]))
    assert stored(places).pruned == 1
