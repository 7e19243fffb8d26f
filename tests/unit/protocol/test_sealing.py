"""The sealed state: bound to its call, short-lived, good once."""

from __future__ import annotations

import pytest

from mpp.crypto import base64text
from mpp.model.agents import AgentIdentity
from mpp.protocol.mcp import sealing
from mpp.protocol.mcp.ports import Caller
from mpp.protocol.mcp.sealing import binding, Seals, State
from tests.unit.protocol.wire import CountedRandom, NOW


class MovingClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> int:
        return self.at


BOUND = binding(Caller(), "tool", "demo__rm", b"{}")
STATE = State(question="q-1", asked=("a", "b"), inputs={"x": {"n": 1}}, rounds=2)


def test_it_opens_once_and_hides_what_is_in_it() -> None:
    seals = Seals(MovingClock(), CountedRandom())
    text = seals.seal(STATE, BOUND)
    assert b"q-1" not in (base64text.decode(text) or b"q-1")
    assert seals.open(text, BOUND) == STATE
    assert seals.open(text, BOUND) is None


def test_it_ends() -> None:
    clock = MovingClock()
    seals = Seals(clock, CountedRandom())
    first, second = seals.seal(STATE, BOUND), seals.seal(STATE, BOUND)
    clock.at += 900
    assert seals.open(first, BOUND) is not None
    clock.at += 1
    assert seals.open(second, BOUND) is None


AGENT = AgentIdentity(name="a", level="token")
OTHERS = [
    binding(Caller(tenant="other"), "tool", "demo__rm", b"{}"),
    binding(Caller(user="ada"), "tool", "demo__rm", b"{}"),
    binding(Caller(agent=AGENT), "tool", "demo__rm", b"{}"),
    binding(Caller(), "tool", "demo__rn", b"{}"),
    binding(Caller(), "prompt", "demo__rm", b"{}"),
    binding(Caller(), "tool", "demo__rm", b'{"a":1}'),
]


@pytest.mark.parametrize("other", OTHERS)
def test_it_is_for_one_caller_and_one_call(other: bytes) -> None:
    seals = Seals(MovingClock(), CountedRandom())
    text = seals.seal(STATE, BOUND)
    assert seals.open(text, other) is None
    # And trying does not spend it.
    assert seals.open(text, BOUND) == STATE


def test_each_process_has_its_own_key() -> None:
    random = CountedRandom()
    assert Seals(MovingClock(), random).open(Seals(MovingClock(), random).seal(STATE, BOUND), BOUND) is None


def test_a_changed_bit_anywhere() -> None:
    seals = Seals(MovingClock(), CountedRandom())
    raw = base64text.decode(seals.seal(STATE, BOUND)) or b""
    for at in range(0, len(raw), 7):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert seals.open(base64text.encode(changed), BOUND) is None


@pytest.mark.parametrize("text", ["", "x", "====", "A" * 40, "é", 7, None, [], "A" * 300_000, base64text.encode(b"x" * 24)])
def test_what_is_no_state(text: object) -> None:
    assert Seals(MovingClock(), CountedRandom()).open(text, BOUND) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("inside", [b"[]", b"{}", b'{"until":"x"}', b"{", b'{"until":9999999999,"question":7,"asked":7,"inputs":7,"rounds":"x"}'])
def test_a_box_of_this_process_with_something_else_in_it(inside: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing seals such a box; if one came to be, it would open as nothing, or as an empty state."""
    seals = Seals(MovingClock(), CountedRandom())
    monkeypatch.setattr(sealing, "write_json", lambda _: inside)
    assert seals.open(seals.seal(STATE, BOUND), BOUND) == (State() if b"9999999999" in inside else None)


def test_when_nothing_more_can_be_remembered_all_states_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "STATES_SPENT_MAX", 3)
    clock = MovingClock()
    seals = Seals(clock, CountedRandom())
    texts = [seals.seal(STATE, BOUND) for _ in range(5)]
    assert [seals.open(text, BOUND) is not None for text in texts] == [True, True, True, False, False]
    # The key is new: what was spent stays spent, what was not is lost, and the next state is good.
    assert [seals.open(text, BOUND) for text in texts] == [None] * 5
    assert seals.open(seals.seal(STATE, BOUND), BOUND) == STATE
    # What has ended is forgotten first.
    for _ in range(2):
        assert seals.open(seals.seal(STATE, BOUND), BOUND) == STATE
    clock.at += 10_000
    assert seals.open(seals.seal(STATE, BOUND), BOUND) == STATE
