from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mpp.model.agents import AgentIdentity, Delegation
from mpp.model.jsontext import Json
from mpp.stages.approval import make_question, Question
from mpp.stages.approval.limits import DETAILS_BYTES_MAX, LINE_COLUMNS_MAX, TEXT_BYTES_MAX
from mpp.stages.approval.quoting import GOES_ON
from mpp.stages.policy.types import Limits, Reason, Risk
from mpp.testing.packages import TestRandom
from mpp.testing.questions import AGENT, asked, given, need

WHOLE = """\
MPP asks a person: may this call run?
tool          greet of com.example.hello 0.1.0
publisher     8794 2deb 61f2 d479 6007 278a 6499 0bba, calls itself
    | "Example Publisher"
content       c0cd 5ccf db56 3a59 366e 33e7 3001 b78f
asked by      claude (launched)
idea of       a model; for user ada
level         low; risk 12 of 100 (low)
  - +12 Reads one folder.
it may        do this:
  - read /data, which is /home/ada/data here
arguments     14 bytes, sha256
    88bab6d8f6dc68a877064d584cbb5b6c50e74f617ea50d81d3a53c2ee6ffbc4f
  /name = "Ada"
consent       somebody agreed before to what the package declares
why asked     user policy developer, rule default: "what is not allowed is
    | asked"
who           one person, any yes counts, an option of a command too
yes           lets this one call run once, within 15 minutes of the answer
always        means up to 100 calls of this tool by this agent, with any
    | arguments, until 2026-01-31 00:00:00 UTC, while rights, capabilities
    | and tool definitions stay as they are and the risk is no higher
asked at      2026-01-01 00:00:00 UTC; the last moment to answer is
    | 2026-01-02 00:00:00 UTC
"""

LABELS = ["tool", "publisher", "content", "asked by", "idea of", "level", "it may", "arguments", "consent", "why asked", "who", "yes", "always", "asked at"]
"""In this order, always."""


def question(one: object = None, what: object = None, more: object = None) -> Question:
    return make_question(one or asked(), what or need(), more or given(), TestRandom())  # type: ignore[arg-type]


def labels(text: str) -> list[str]:
    """What stands at the beginning of lines."""
    return [re.split(r"  +", line)[0] for line in text.splitlines()[1:] if not line.startswith("  ")]


def well_formed(found: Question) -> None:
    """Nobody else's words begin a line, no line is too wide, the whole is not too long, and its order is the one order."""
    assert found.text.startswith("MPP asks a person: may this call run?\n")
    assert labels(found.text) == LABELS
    assert len(found.text.encode()) <= TEXT_BYTES_MAX
    assert len(found.details.encode()) <= DETAILS_BYTES_MAX
    for line in [*found.text.splitlines(), *found.details.splitlines()]:
        assert line.isprintable()
        assert len(line) <= LINE_COLUMNS_MAX
        assert line.startswith(
            (*LABELS, "  - ", "  /", "  ...", "    ", "MPP asks", "rights", "policy", "key of the agent", "tenant", "acting for", "risk", "new")
        ), line


def test_the_text_of_a_plain_question() -> None:
    found = question()
    assert found.text == WHOLE
    assert found.arguments_shown == ('  /name = "Ada"',)
    assert found.must_open_details is False
    well_formed(found)


def test_the_details_of_a_plain_question() -> None:
    found = question(asked(agent=AgentIdentity(name="claude", level="signed", key="ab" * 32, behind=(Delegation(kind="user", name="ada", level="token"),))))
    assert found.details.splitlines()[:11] == [
        "content",
        "    c0cd5ccfdb563a59366e33e73001b78fdb8cca5a6c48e2f90fffcde44b81f1f6",
        "publisher",
        "    87942deb61f2d4796007278a64990bbaffe10d77b7a22c146695f2eca081eae6",
        "rights",
        "    2d6d91bee4afd26cc7135bc271a9b38a7465be4823773de1d4173a7307de86b8",
        "policy",
        "    1b551587059622f0d62ffa8a371207104a31c6d59bbe2d6563c5199e51d9f267",
        "key of the agent",
        "    " + "ab" * 32,
        "tenant        local",
    ]
    assert found.details.splitlines()[11:] == [
        "acting for    user ada (token)", "risk", "  - +12 Reads one folder.", "it may", "  - read /data, which is /home/ada/data here", "new", "arguments", '  /name = "Ada"'
    ]  # fmt: skip
    well_formed(found)


def test_nothing_and_nobody_are_said() -> None:
    found = question(asked(agent=AgentIdentity(), user="", origin="", publisher_name=""), need(risk=Risk(score=0, band="low", reasons=())), given({}, uses=()))
    for line in (
        'calls itself ""',
        "asked by      nobody named (anonymous)",
        "idea of       nobody named; for no named user",
        "it may        use nothing outside its own computation",
        "arguments     2 bytes, sha256",
    ):
        assert line in found.text
    assert found.arguments_shown == ()
    well_formed(found)


def test_who_stands_behind_is_named() -> None:
    behind = (Delegation(kind="agent", name="planner", level="signed"), Delegation(kind="user", name="ada", level="token"))
    found = question(asked(agent=AgentIdentity(name="worker", level="signed", key="ab" * 32, issuer="https://id.example", behind=behind)))
    flat = found.text.replace("\n" + GOES_ON, " ")
    assert "asked by      worker (signed), vouched for by https://id.example, for agent planner (signed), for user ada (token)" in flat
    assert not found.must_open_details
    crowd = tuple(Delegation(kind="user", name=f"u{i}", level="token") for i in range(5))
    found = question(asked(agent=replace(AGENT, behind=crowd)))
    assert "for user u2 (token) and 2 more" in found.text.replace("\n" + GOES_ON, " ")
    assert "u4" in found.details
    assert found.must_open_details


VARIANTS = [
    (need("high"), "who           one person, answering with a passphrase or a security key"),
    (need(limits=Limits(strength="tty")), "who           one person, answering at the terminal, or with"),
    (need(limits=Limits(strength="elicitation")), "who           one person, answering in a form, at the terminal"),
    (need("critical", limits=Limits(approvers=2)), "who           2 different persons, answering with a passphrase"),
    (need("critical"), "always        is no answer here"),
    (need(limits=Limits(answer_seconds=45)), "within 45 seconds of the answer"),
    (need(limits=Limits(answer_seconds=60)), "within 60 seconds of the answer"),
]


@pytest.mark.parametrize(("what", "line"), VARIANTS, ids=[line[-40:] for _, line in VARIANTS])
def test_what_is_needed_is_said(what: object, line: str) -> None:
    found = question(what=what)
    assert line in found.text
    well_formed(found)


def test_consent_and_growth() -> None:
    found = question(asked(consented=False), more=given(includes_consent=True, growth=("May read /etc, with everything in it.",)))
    assert "consent       a yes is also a yes to what the package declares; new:\n  - May read /etc, with everything in it.\n" in found.text
    assert "always        is no answer here" in found.text
    well_formed(found)


MANY: list[tuple[str, dict[str, object], str]] = [
    ("arguments", {"more": given({f"a{i:03}": i for i in range(40)})}, "  ... and 20 more: open the details"),
    ("a list", {"more": given({"a": list(range(1234))})}, "  ... and 1,214 more: open the details"),
    ("rights", {"more": given(uses=tuple(f"read /f{i}" for i in range(30)))}, "  ... and 18 more: open the details"),
    (
        "reasons",
        {"what": need(risk=Risk(score=50, band="medium", reasons=tuple(Reason(points=1, words=f"r{i}") for i in range(9))))},
        "  ... and 3 more: open the details",
    ),
    ("growth", {"more": given(growth=tuple(f"May do {i}." for i in range(10)))}, "  ... and 4 more: open the details"),
]


@pytest.mark.parametrize(("parts", "line"), [row[1:] for row in MANY], ids=[row[0] for row in MANY])
def test_what_is_too_much_is_counted_and_must_be_opened(parts: dict[str, object], line: str) -> None:
    found = question(**parts)
    assert line in found.text.splitlines()
    assert found.must_open_details
    assert line not in found.details
    well_formed(found)


LONG = "x" * 5000
CUT: list[tuple[str, dict[str, object]]] = [
    ("an argument", {"more": given({"a": "x" * 200})}),
    ("a key", {"more": given({"k" * 60: 1})}),
    ("a right", {"more": given(uses=("read /" + LONG,))}),
    ("a reason", {"what": need(risk=Risk(score=1, band="low", reasons=(Reason(points=1, words=LONG),)))}),
    ("growth", {"more": given(growth=(LONG,))}),
]


@pytest.mark.parametrize("parts", [parts for _, parts in CUT], ids=[name for name, _ in CUT])
def test_what_is_cut_must_be_opened(parts: dict[str, object]) -> None:
    found = question(**parts)
    assert found.must_open_details
    well_formed(found)


NASTY = "x\n\x1b[2J\u202e\ud7ff\u0430b  \r" * 40
WORST: dict[str, Json] = {NASTY + str(i): {NASTY: [NASTY, 1]} for i in range(30)}


def test_the_worst_of_everything_still_fits() -> None:
    """Attack: every name, reason and value as long and as strange as it can be."""
    behind = tuple(Delegation(kind="user", name=NASTY, level="token") for _ in range(200))
    one = asked(
        publisher_name=NASTY, version=NASTY, tool=NASTY, package_id=NASTY, tenant=NASTY, user=NASTY, origin=NASTY,
        agent=AgentIdentity(name=NASTY, level="signed", key="ab" * 32, issuer=NASTY, behind=behind),
    )  # fmt: skip
    what = need(NASTY, risk=Risk(score=100, band=NASTY, reasons=(Reason(points=-100, words=NASTY),) * 50), limits=Limits(approvers=2))
    decided = replace(what.verdict.decisive, layer=NASTY, policy=NASTY, rule=NASTY, why=NASTY)
    what = replace(what, verdict=replace(what.verdict, decided=(decided,)))
    found = question(one, what, given(WORST, uses=(NASTY,) * 100, growth=(NASTY,) * 100, includes_consent=True))
    well_formed(found)
    assert found.must_open_details
    assert "arguments" in found.details


def test_wide_letters_cost_three_bytes_and_still_fit() -> None:
    one = "日本" * 100
    found = question(more=given({f"a{i}": one for i in range(30)}, uses=(one,) * 30, growth=(one,) * 30))
    assert len(found.text.encode()) <= TEXT_BYTES_MAX
    assert labels(found.text) == LABELS


def test_a_name_cannot_pass_for_a_line_of_ours() -> None:
    name = 'good" (verified)\nlevel         low; risk 0 of 100 (low)\nwho           nobody need be asked'
    found = question(asked(publisher_name=name, agent=AgentIdentity(name=name, level="launched")), more=given({"a": name, name: 1}, uses=(f"read {name}",)))
    well_formed(found)
    assert sum(line.startswith("level") for line in found.text.splitlines()) == 1
    assert sum(line.startswith("who") for line in found.text.splitlines()) == 1


def test_a_secret_is_nowhere() -> None:
    found = question(more=given({"password": "hunter2hunter2", "to": "bob"}))
    assert "hunter2" not in found.text + found.details
    assert "/password = (not shown: its name says that it is secret)" in found.text.replace("\n" + GOES_ON, " ")
    # It is bound all the same.
    assert found.binding != question(more=given({"password": "hunter3hunter3", "to": "bob"})).binding


# --- what can be seen nowhere


def flat(text: str) -> str:
    return text.replace("\n" + GOES_ON, " ")


def test_many_rights_are_all_in_the_details() -> None:
    """Attack: rights that are left out, although there is room for all of them."""
    uses = tuple(f"read /home/ada/a folder with a long name of its own, which is another one on this machine, number {i}" for i in range(272))
    found = question(more=given(uses=uses))
    assert all(f"number {i}\n" in flat(found.details) + "\n" for i in range(272))
    assert found.strength == "flag"
    assert found.must_open_details
    well_formed(found)


MUCH: list[tuple[str, dict[str, object], int]] = [
    ("rights", {"uses": tuple(f"read /{'d' * 150}{i}" for i in range(600))}, 200),
    ("arguments", {"arguments": {f"a{i:04}": "x" * 140 for i in range(900)}}, 200),
    ("one argument", {"arguments": {"a": "x" * 90_000}}, 1),
    ("news", {"growth": tuple(f"May read /{'d' * 150}{i}" for i in range(600))}, 200),
]


@pytest.mark.parametrize(("parts", "least"), [row[1:] for row in MUCH], ids=[row[0] for row in MUCH])
def test_what_even_the_details_leave_out_takes_a_passphrase_and_is_said(parts: dict[str, object], least: int) -> None:
    arguments = parts.pop("arguments", None)
    found = question(more=given(arguments, **parts))  # type: ignore[arg-type]
    said = re.search(r"answering with a passphrase or a security key; the details leave out ([0-9,]+) lines", flat(found.text))
    assert said
    assert int(said[1].replace(",", "")) >= least
    assert (found.strength, found.must_open_details) == ("passphrase", True)
    assert "open the details" not in found.details
    assert len(found.details.encode()) > DETAILS_BYTES_MAX * 9 // 10 or least == 1
    well_formed(found)


def test_who_stands_behind_and_is_not_named_anywhere_is_counted() -> None:
    crowd = tuple(Delegation(kind="user", name=f"u{i}", level="token") for i in range(103))
    found = question(asked(agent=replace(AGENT, behind=crowd)))
    assert "the details leave out 3 lines" in flat(found.text)
    assert found.strength == "passphrase"


def test_a_stronger_answer_is_not_made_weaker_by_what_is_left_out() -> None:
    assert question(what=need(limits=Limits(strength="passphrase")), more=given({"a": "x" * 90_000})).strength == "passphrase"


@pytest.mark.parametrize("size", [5000, 20_000])
def test_a_long_value_is_whole_in_the_details(size: int) -> None:
    """Attack: harm in the middle, where neither the text nor the details show it."""
    value = "A" * size + " harm in the middle " + "B" * size
    found = question(more=given({"a": value, "b": 1}))
    joined = "".join(line.removeprefix(GOES_ON) for line in found.details.splitlines())
    assert "Aharminthemiddle" + "B" * size in joined.replace(" ", "")
    assert joined.count("A") >= size
    assert found.strength == "flag"
    assert found.must_open_details
    well_formed(found)


def test_one_value_that_is_too_long_takes_no_other_along() -> None:
    found = question(more=given({"a": "x" * 90_000, "b": "A" * 5000 + " harm in the middle " + "B" * 5000}))
    assert "harm in the middle" in found.details
    assert "the details leave out 1 lines" in flat(found.text)


def test_very_many_long_values_show_their_ends() -> None:
    found = question(more=given({f"a{i}": "x" * 20_000 for i in range(12)}))
    assert "the details leave out 12 lines" in flat(found.text)
    assert all(f"/a{i} = " in found.details for i in range(12)), "with narrower values, all of them are named"


def test_a_long_path_is_whole_in_the_details() -> None:
    found = question(more=given({"k" * 60: {"l" * 60: 1}}))
    assert found.must_open_details
    assert "k" * 60 + "/" in "".join(line.removeprefix(GOES_ON) for line in found.details.splitlines())
    assert found.strength == "flag"
