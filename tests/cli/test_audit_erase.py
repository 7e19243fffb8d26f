"""``mpp audit erase``: what is kept goes, the record stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpp.cli.calling import user_name
from mpp.errors import HostFailed
from mpp.host.audit import erasing
from mpp.host.audit.log import AuditLog
from mpp.host.audit.pseudonyms import pseudonym
from mpp.host.audit.salts import NO_SALT, read_salt
from mpp.host.home import Home
from mpp.model.events import Event
from mpp.stages.audit.proof import write_proof
from tests.cli.conftest import Mpp
from tests.cli.terminal import Terminal
from tests.cli.test_run import HELLO, STORES, says
from tests.cli.vault_world import World

REASON = ("--reason", "request of 3 May, ticket 118")


@pytest.fixture
def world(mpp: Mpp, home: Path, keys: Path) -> World:
    found = World(mpp, home)
    found.turn_on()
    return found


def committed(world: World, invocation: str) -> list[int]:
    return [one.seq for one in world.reader.entries() if one.event.commit and one.event.invocation == invocation]


def call_of(world: World, seq: int) -> str:
    return world.reader.entry(seq).event.invocation


def salts(world: World, entries: list[int]) -> list[bytes]:
    return [read_salt(world.places, seq) for seq in entries]


def test_a_call_is_erased_and_nothing_else(world: World, mpp: Mpp) -> None:
    path = world.package(says(HELLO))
    first, second = world.run(path, '{"name": "Ada"}'), world.run(path, '{"name": "Bob"}')
    mine, other = committed(world, call_of(world, first)), committed(world, call_of(world, second))
    kept = salts(world, other)
    assert len(mine) >= 2
    answer = mpp("audit", "erase", "--entry", first, *REASON, "--yes", "--json")
    assert (answer.code, answer.json["entries"], answer.json["salts_erased"], answer.json["records_removed"]) == (0, len(mine), len(mine), 1)
    assert set(salts(world, mine)) == {NO_SALT}
    assert salts(world, other) == kept
    assert NO_SALT not in kept
    assert world.opened(first)["error"]["code"] == "audit.erased"
    assert world.opened(second)["ok"] is True
    told = world.bodies("erased")
    assert len(told) == 1
    assert (told[0]["reason"], told[0]["amr"]) == (REASON[1], "flag")
    assert erasing.ranges_of(told[0]) == [(mine[0], mine[-1])]


def test_chain_tree_and_proofs_are_as_before(world: World, mpp: Mpp) -> None:
    path = world.package(says(HELLO))
    seq = world.run(path)
    lines = list(world.reader.lines())
    # The event of the erasure is in the tree too: proofs are compared under one checkpoint, from before.
    note, proof = Path(world.places.checkpoint).read_bytes(), write_proof(world.reader.prove(seq))
    assert mpp("audit", "erase", "--entry", seq, *REASON, "--yes").code == 0
    assert list(world.reader.lines())[: len(lines)] == lines
    answer = mpp("audit", "verify", "--deep", "--json")
    assert answer.code == 0, answer.out
    Path(world.places.checkpoint).write_bytes(note)
    assert write_proof(world.reader.prove(seq)) == proof


def test_the_text_of_a_question_goes_with_its_call(world: World, mpp: Mpp) -> None:
    seq = world.run(world.package(says(HELLO), STORES))
    questions = [one.seq for one in world.reader.entries() if one.event.kind == "question"]
    assert len(questions) == 1
    assert world.reader.entry(seq).event.body["jti"]
    assert mpp("audit", "erase", "--entry", seq, *REASON, "--yes").code == 0
    assert salts(world, questions) == [NO_SALT]


def test_dry_run_says_what_would_go_and_touches_nothing(world: World, mpp: Mpp) -> None:
    seq = world.run(world.package(says(HELLO)))
    before = world.files()
    found = mpp("audit", "erase", "--invocation", call_of(world, seq), "--dry-run", "--json").json
    assert (found["dry_run"], found["calls"], found["salts_erased"]) == (True, 1, 0)
    assert found["ranges"]
    assert "Would erase" in mpp("audit", "erase", "--entry", seq, "--dry-run").out
    assert world.files() == before


def test_all_of_a_user(world: World, mpp: Mpp) -> None:
    mine = [one for n in range(3) for one in tell(world, f"{n:032x}", user="adaexample")]
    other = tell(world, "f" * 32, user="bob")
    assert mpp("audit", "erase", "--user", "adaexample", *REASON, "--yes").code == 0
    assert set(salts(world, mine)) == {NO_SALT}
    assert NO_SALT not in salts(world, other)
    # Whose they were is what is erased.
    assert b"adaexample" not in b"".join(line for line in world.reader.lines())
    assert mpp("audit", "erase", "--user", "nobody-here", *REASON, "--yes").out.startswith("There is nothing left")


def tell(world: World, invocation: str, *, user: str = "", at: int = 1_700_000_000) -> list[int]:
    """One call: an entry that names the user, and one that does not."""
    home = Home(path=str(world.home))
    body: dict[str, Any] = {"user": pseudonym(home.log, user)} if user else {}
    with AuditLog(home) as log:
        return [
            log.record(Event(kind=kind, at=at, tenant="local", invocation=invocation, body=about, commit={"in": "0" * 64})).seq
            for kind, about in (("decision", body), ("result", {}))
        ]


def test_a_pseudonym_names_a_user_too(world: World, mpp: Mpp) -> None:
    mine = tell(world, "a" * 32, user="somebody")
    assert mpp("audit", "erase", "--user", pseudonym(world.places, "somebody"), *REASON, "--yes").code == 0
    assert set(salts(world, mine)) == {NO_SALT}


def test_for_whom_an_agent_acted_counts_too(world: World, mpp: Mpp) -> None:
    tell(world, "d" * 32, user="anybody")
    mine = []
    with AuditLog(Home(path=str(world.home))) as log:
        behalf: dict[str, Any] = {"name": "x", "proof": "token", "behalf": [{"kind": "user", "name": "boss", "proof": "signed"}]}
        for number, body in enumerate((behalf, {"agent": behalf}, {"facts": {"agent": behalf}})):
            event = Event(kind="agent", at=1_700_000_000, tenant="local", invocation=f"{number:032x}", body=body, commit={"in": "0" * 64})
            mine.append(log.record(event).seq)
    other = tell(world, "e" * 32, user="somebody")
    assert mpp("audit", "erase", "--user", "boss", *REASON, "--yes").code == 0
    assert set(salts(world, mine)) == {NO_SALT}
    assert NO_SALT not in salts(world, other)


def test_all_that_ran_for_whoever_runs_this(world: World, mpp: Mpp) -> None:
    path = world.package(says(HELLO))
    seqs = [world.run(path, '{"name": "Ada"}') for _ in range(2)]
    mine = [one for seq in seqs for one in committed(world, call_of(world, seq))]
    other = tell(world, "f" * 32, user="somebody-else")
    assert mpp("audit", "erase", "--user", user_name(), *REASON, "--yes").code == 0
    assert set(salts(world, mine)) == {NO_SALT}
    assert NO_SALT not in salts(world, other)
    for seq in seqs:
        assert world.opened(seq)["error"]["code"] == "audit.erased"


def test_a_user_of_a_record_without_users(world: World, mpp: Mpp) -> None:
    assert mpp("audit", "erase", "--user", "adaexample", *REASON, "--yes", "--json").json["error"]["code"] == "audit.user"


def test_all_before_a_time(world: World, mpp: Mpp) -> None:
    old, new = tell(world, "a" * 32, at=1_600_000_000), tell(world, "b" * 32, at=1_700_000_000)
    answer = mpp("audit", "erase", "--before", "2021-01-01", *REASON, "--yes", "--json").json
    assert answer["ranges"] == [[old[0], old[-1]]]
    assert set(salts(world, old)) == {NO_SALT}
    assert NO_SALT not in salts(world, new)
    assert mpp("audit", "erase", "--before", "2999-01-01", *REASON, "--yes", "--json").json["error"]["code"] == "usage.time"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], "usage.option"),
        (["--entry", "1"], "usage.option"),
        (["--entry", "x", *REASON], "usage.option"),
        (["--entry", "9999", *REASON], "audit.no_entry"),
        (["--invocation", "x", *REASON], "usage.option"),
        (["--before", "soon", *REASON], "usage.time"),
        (["--entry", "1", "--reason", "two\nlines"], "usage.text"),
        (["--entry", "1", "--reason", "x" * 501], "usage.text"),
    ],
)
def test_a_wrong_wish_is_refused(world: World, mpp: Mpp, words: list[str], code: str) -> None:
    assert mpp("audit", "erase", *words, "--yes", "--json").json["error"]["code"] == code


def test_a_person_says_yes(world: World, mpp: Mpp, terminal: Callable[..., Terminal]) -> None:
    seq = world.run(world.package(says(HELLO)))
    before = salts(world, [seq])
    assert mpp("audit", "erase", "--entry", seq, *REASON, "--json").json["error"]["code"] == "consent.missing"
    assert salts(world, [seq]) == before
    assert world.bodies("erased") == []
    with terminal("audit", "erase", "--entry", seq, *REASON) as screen:
        screen.wait_for("Type yes")
        screen.type("yes\n")
        assert screen.end() == 0
    assert salts(world, [seq]) == [NO_SALT]
    assert world.bodies("erased")[0]["amr"] == "tty"


def test_what_a_crash_left_is_erased_by_the_next_erasure(world: World, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = world.run(world.package(says(HELLO)))
    mine = committed(world, call_of(world, seq))

    def dying(*_: object) -> tuple[int, int]:
        raise HostFailed("host.file", "the machine stopped here")

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "finish", dying)
        assert mpp("audit", "erase", "--entry", seq, *REASON, "--yes").code == 1
    assert NO_SALT not in salts(world, mine)
    assert len(world.bodies("erased")) == 1
    # Any erasure ends what was begun; it needs no yes for that, and says nothing twice.
    answer = mpp("audit", "erase", "--before", "1971-01-01", *REASON, "--json")
    assert (answer.code, answer.json["salts_erased"], answer.json["records_removed"]) == (0, len(mine), 1)
    assert set(salts(world, mine)) == {NO_SALT}
    assert len(world.bodies("erased")) == 1
    assert mpp("audit", "erase", "--entry", seq, *REASON, "--yes").out == "There is nothing left to erase.\n"


def test_many_ranges_take_several_events(world: World, mpp: Mpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "RANGES_MAX", 2)
    wanted = [tell(world, f"{2 * n:032x}") for n in range(5) if tell(world, f"{2 * n + 1:032x}")]
    words = [word for n in range(5) for word in ("--invocation", f"{2 * n:032x}")]
    assert mpp("audit", "erase", *words, *REASON, "--yes").code == 0
    assert [len(erasing.ranges_of(one)) for one in world.bodies("erased")] == [2, 2, 1]
    assert {salt for seqs in wanted for salt in salts(world, seqs)} == {NO_SALT}
    assert NO_SALT not in [salt for n in range(5) for salt in salts(world, committed(world, f"{2 * n + 1:032x}"))]


def test_entries_of_sealed_segments_are_erased_too(world: World, mpp: Mpp) -> None:
    old = tell(world, "a" * 32)
    with AuditLog(Home(path=str(world.home))) as log:
        log.seal()
    new = tell(world, "a" * 32)
    assert mpp("audit", "erase", "--entry", old[0], *REASON, "--yes").code == 0
    assert set(salts(world, old + new)) == {NO_SALT}
    assert mpp("audit", "verify", "--deep").code == 0


def test_a_line_that_cannot_be_read_stops_it(world: World, mpp: Mpp) -> None:
    seq = tell(world, "a" * 32)[0]
    path = Path(world.places.segment(0))
    path.write_bytes(path.read_bytes().replace(b'"in":"', b'"in":x', 1))
    answer = mpp("audit", "erase", "--entry", seq, *REASON, "--yes", "--json")
    assert answer.json["error"]["code"] == "audit.entry"
    assert salts(world, [seq]) != [NO_SALT]
