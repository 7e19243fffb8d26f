"""Threat 73, beside tools: older servers that attack through prompts, resources, questions and word of changes."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mpp.errors import ToolFailed
from mpp.host.legacy.beside import Beside
from mpp.host.legacy.limits import DECLINED_MAX, PARKED_MAX
from mpp.host.legacy.parking import Parked, Parking
from mpp.host.legacy.waiting import follow, Order, Paused, Waiting
from mpp.host.system import SystemRandom
from mpp.model.agents import AgentIdentity
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller, CARRIED, SaidError
from mpp.protocol.mcp_client.events import Asked, Done
from tests.unit.host.legacy.opened import opened
from tests.unit.host.legacy.test_beside import ACCEPTED, asked, NONE, offering
from tests.unit.host.legacy.test_calling import ALLOW, policy
from tests.unit.host.legacy.world import Heard, meta, text_of, World

WHO = Caller()
OTHER = Caller(agent=AgentIdentity(name="other", level="launched"))


@pytest.fixture
def world(tmp_path: Path, compiled: Path) -> Iterator[World]:

    place = tmp_path / "home"
    (place / "cache").mkdir(mode=0o700, parents=True)
    place.chmod(0o700)
    shutil.copytree(compiled, place / "cache", dirs_exist_ok=True)
    policy(place, ALLOW)
    with opened(place) as found:
        yield found


def test_a_flood_of_prompts_takes_away_the_prompts_and_no_tool(world: World) -> None:
    world.add(offering(mode="flood"))
    assert Beside(world.source).prompts(NONE, plain=False) == ()
    assert [one["uri"] for one in Beside(world.source).resources(NONE)] == ["notes://pixel", "notes://today"]
    assert text_of(world.ask("tests__count").result) == "0"


def test_hidden_words_and_addresses_of_others_are_kept_back(world: World) -> None:
    world.add(offering(mode="poison"))
    held = {one.name: one.why for one in world.store.find("tests").held}
    assert "description.hidden" in held["prompt: hidden"]
    assert "arguments" in held["prompt: many"]
    assert "none that can be passed on" in held["prompt: a b"]
    assert "not a server's to give" in held["resource: mpp://packages/hello/README.md"]
    assert {"resource: no address", "resource: none", "template: {+all}"} <= held.keys()
    found = Beside(world.source)
    assert [one["name"] for one in found.prompts(NONE, plain=False)] == ["tests__asking", "tests__greet"]
    assert found.prompt(WHO, "tests__hidden", {}, {}, NONE, plain=False) is None
    assert found.read(WHO, "mpp://packages/hello/README.md") is None
    assert found.templates(NONE) == ()


def test_a_resource_without_bounds_ends_the_server_and_not_the_host(world: World) -> None:
    world.add(offering(mode="huge"))
    with pytest.raises(SaidError) as fault:
        Beside(world.source).read(WHO, "notes://today")
    assert meta(fault.value.outcome)["code"] == "tool.protocol"
    assert text_of(world.ask("tests__count").result) == "0"


def test_a_server_that_asks_without_end_gets_no_answer_twice(world: World) -> None:
    world.add(offering(mode="endless"))
    name, _, state = asked(world.ask("tests__ask"))
    for _ in range(3):
        # Attack: the same question again, to be answered with the yes that is there already.
        again, _, state = asked(world.ask("tests__ask", inputs={name: ACCEPTED, CARRIED: {"state": state}}))
        assert again == name


def test_the_answer_of_another_client_goes_nowhere(world: World) -> None:
    world.add(offering())
    name, _, state = asked(world.ask("tests__ask"))
    for who, arguments in ((OTHER, {}), (WHO, {"n": 1}), (Caller(tenant="other"), {})):
        stolen = world.ask("tests__ask", arguments, who=who, inputs={name: ACCEPTED, CARRIED: {"state": state}})
        assert meta(stolen)["code"] == "tool.deadline"
    found = world.ask("tests__ask", inputs={name: ACCEPTED, CARRIED: {"state": state}})
    assert "Ada" in text_of(found.result)
    used = world.ask("tests__ask", inputs={name: ACCEPTED, CARRIED: {"state": state}})
    assert meta(used)["code"] == "tool.deadline", "an answer is given once"


class Told:
    """Counts what a server is told."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Json]] = []
        self.declined: list[str] = []

    def answer(self, question: Asked, result: object) -> None:
        self.answers.append(json.loads(json.dumps(result)))

    def decline(self, question: Asked, action: str = "decline") -> None:
        self.declined.append(action)


QUESTION = Asked(id="q", method="elicitation/create", params={})
ORDER = Order(name="a", arguments=b"{}", seconds=5, inputs={"k": ACCEPTED})


def followed(count: int, name: Callable[[Asked], tuple[str, dict[str, Json]] | None], told: Told) -> Done | Paused:
    waiting = Waiting()
    for _ in range(count):
        waiting.put(QUESTION)
    waiting.put(Done(id=1, result={}))
    try:
        return follow(waiting, ORDER, Heard(), told, gone_fd=-1, ask=name)
    finally:
        waiting.close()


def test_one_answer_is_one_answer() -> None:
    told = Told()
    found = followed(2, lambda _: ("k", {}), told)
    assert isinstance(found, Paused)
    assert (len(told.answers), found.used) == (1, frozenset({"k"}))


def test_what_cannot_be_asked_is_declined_and_not_without_end() -> None:
    told = Told()
    assert isinstance(followed(DECLINED_MAX, lambda _: None, told), Done)
    assert told.declined == ["decline"] * DECLINED_MAX
    with pytest.raises(ToolFailed, match="again and again"):
        followed(DECLINED_MAX + 1, lambda _: None, Told())


def parked(whose: str) -> Parked:
    return Parked(identity=1, waiting=Waiting(), paused=Paused(question=QUESTION, name="k", requests={}), whose=whose)


def test_questions_that_nobody_answers_make_room() -> None:
    ended: list[Parked] = []
    parking = Parking(SystemRandom(), ended.append, seconds=60)
    states = [parking.put(parked(str(number))) for number in range(PARKED_MAX + 1)]
    assert [one.whose for one in ended] == ["0"]
    with pytest.raises(ToolFailed, match="any more"):
        parking.take(states[0], "0")
    assert parking.take(states[1], "1").whose == "1"
    parking.close()
    assert len(ended) == PARKED_MAX
    for one in ended:
        one.waiting.close()


def test_a_question_has_its_time() -> None:

    over = threading.Event()
    parking = Parking(SystemRandom(), lambda _: over.set(), seconds=0.01)
    state = parking.put(parked("one"))
    assert over.wait(10)
    with pytest.raises(ToolFailed) as fault:
        parking.take(state, "one")
    assert fault.value.code == "tool.deadline"
