"""One scan, and the readings that its places ask for."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest

from mpp.errors import Refused
from mpp.model.jsontext import Json
import mpp.stages.privacy.search as module
from mpp.stages.policy import CallPrivacy, NO_PRIVACY
from mpp.stages.privacy import Arena, Detector, Filter, Hit, Pseudonyms, Rules, gather
from mpp.stages.privacy.detector import Place
from mpp.stages.privacy.limits import SMALL_CHARS_MAX, SMALL_HOLDERS_MAX
from mpp.stages.privacy.search import finds_nothing, matches_whole, search
from tests.privacies import PLANTED, rules
from tests.unit.privacy.test_edges import CASES
from tests.unit.privacy.test_filter import Words, one

EMAIL = PLANTED["email"]


def never() -> None:
    """There is time."""


def found(message: Json) -> set[tuple[str, str, str]]:
    return {(one.type, one.text, one.view) for one in search(gather(message), rules(), never)}


@pytest.mark.parametrize(
    ("message", "view", "kind"),
    [
        ({"a": EMAIL}, "as written", "email"),
        ({"a": f"\u5bc6 {EMAIL} \u00e9"}, "as written", "email"),
        ({"\u00e9" * 100: "\u00e9" * 100 + " " + EMAIL}, "as written", "email"),
        ({"a": EMAIL.replace("@", "\uff20")}, "normalised", "email"),
        ({"a": EMAIL.replace("@", "%40")}, "decoded", "email"),
        (["ada@", "example.com"], "joined", "email"),
        ({"card": [4111, 1111, 1111, 1111]}, "joined", "credit_card"),
    ],
)
def test_each_reading_finds_its_own(message: Json, view: str, kind: str) -> None:
    assert (kind, view) in {(one, reading) for one, _, reading in found(message)}


WIDE = str.maketrans({one: one + 0xFEE0 for one in range(0x21, 0x7F)})
PASSWORD = "hunter" + "2-Zq81"


@pytest.mark.parametrize(
    "message",
    [
        {"p\u0430ssword": PASSWORD},
        {"password".translate(WIDE): PASSWORD},
        {"p%61ssword": PASSWORD},
        {"p\u0430sswords": ["one", PASSWORD]},
        {"p\u0430ssword": {"value": PASSWORD}},
        [{"name": "db_p\u0430ssword", "value": PASSWORD}],
        {"columns": ["name", "p\u0430ssword"], "rows": [["ada", PASSWORD]]},
    ],
    ids=json.dumps,
)
def test_a_name_in_other_letters_is_that_of_its_value(message: Json) -> None:
    assert ("password", PASSWORD) in {(kind, text) for kind, text, _ in found(message)}


def test_a_name_and_its_value_in_other_letters() -> None:
    message: Json = {"p\u0430ssword": "hunt\u0435r" + "2-Zq81"}
    assert {(one.leaf, one.start, one.end) for one in search(gather(message), rules(), never)} == {(1, 0, 12)}


@pytest.mark.parametrize(
    "message", [{"n\u0430me": "ada"}, {"\uff29\uff24": "12"}, {"p\u0430ssword" + "x" * 300: PASSWORD}, {"t": "the p\u0430ssword, it is long"}], ids=json.dumps
)
def test_names_that_say_nothing_have_no_second_scan(message: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its own object: what was learned of keys before would hide one.
    arenas: list[object] = []
    scan = module._scan

    def counted(arena: Arena, *rest: Any) -> Any:
        arenas.append(arena)
        return scan(arena, *rest)

    monkeypatch.setattr(module, "_scan", counted)
    assert [one for one in search(gather(message), rules(), never) if one.leaf == 1] == []
    assert len(arenas) == 2


def test_what_was_written_in_other_letters_is_decoded() -> None:
    inner = base64.b64encode(f"mail {EMAIL}".encode()).decode()
    for written in (inner, "".join(f"%{byte:02x}" for byte in EMAIL.encode()), EMAIL.encode().hex()):
        assert ("email", EMAIL, "decoded") in found({"a": written.translate(WIDE)})
    # The blocks of a long text are decoded one by one, and one that was decoded already is not decoded anew.
    long = "\u5bc6" * 3000 + inner.translate(WIDE) + "\u5bc6" * 3000 + " a%20b " + inner.translate(WIDE)
    assert sum(one.text == EMAIL for one in search(gather({"a": long}), rules(), never)) >= 2


def test_what_is_found_already_is_not_joined() -> None:
    assert {view for _, _, view in found([EMAIL, "1", "@b"])} == {"as written"}


def test_a_hit_outside_of_its_leaf_counts_for_none() -> None:
    far = Detector(
        name="far",
        types=("far",),
        probes=("x",),
        look=lambda place: [Hit("far", place.at, place.at + 99), Hit("far", place.arena.starts[1], place.arena.end_of(1))],
    )
    (span,) = search(gather({"x": "y"}), Rules((far,), Words), never)
    assert (span.leaf, span.start, span.end) == (1, 0, 1)


def test_time_is_looked_at_and_half_a_character_refused() -> None:
    def over() -> None:
        raise Refused("privacy.deadline", "over")

    with pytest.raises(Refused, match="over"):
        search(gather("x"), Rules((one("code", "x"),), Words), over)
    with pytest.raises(Refused, match="half of a character"):
        search(gather("\ud800"), rules(), never)


def test_a_text_of_letters_of_other_scripts_is_watched_too() -> None:
    left = [3]

    def few() -> None:
        left[0] -= 1
        if not left[0]:
            raise Refused("privacy.deadline", "over")

    with pytest.raises(Refused, match="over"):
        search(gather("\u0431" * 100_000), rules(), few)


def test_a_value_alone_is_sure_or_not() -> None:
    assert matches_whole("4539148803436467", rules(), never)
    assert not matches_whole("4539148803436468", rules(), never)


def test_keys_in_which_nothing_began_are_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = Rules((one("code", "x"),), Words)
    search(gather({"plain": "x", "x": 1, "\u00e9": 1, "y" * 100: 1}), fresh, never)
    assert fresh.dull == {"plain"}
    search(gather({"plain": "x"}), fresh, never)
    search(gather(["x"]), fresh, never)
    monkeypatch.setattr(module, "DULL_KEYS_MAX", 1)
    search(gather({"more": 1}), fresh, never)
    assert fresh.dull == {"plain"}


def test_the_keys_of_first_parts_are_never_dull() -> None:
    """Attack: a host that has seen ``local`` a thousand times, and then what it holds beside ``domain``."""
    message: Json = {"local": "ada.lovelace@", "domain": "example.com"}
    fresh = Rules(rules().detectors, lambda _: rules().scanner)
    first = {one.view for one in search(gather(message, None, fresh.dull), fresh, never)}
    assert "local" not in fresh.dull
    assert {one.view for one in search(gather(message, None, fresh.dull), fresh, never)} == first


def test_places_far_apart_belong_to_their_leaves() -> None:
    """Leaves without a place are passed over, many at once or a few."""
    message: Json = ["x", *["-"] * 50, "x", "-", "x", *["-"] * 15, "x"]
    spans = search(gather(message), Rules((one("code", "x"),), Words), never)
    assert [span.leaf for span in spans] == [0, 51, 53, 69]


def test_two_probes_of_one_detector_at_one_place_are_one_look() -> None:
    looked: list[int] = []

    def look(place: Place) -> list[Hit]:
        looked.append(place.at)
        return []

    both = Detector(name="both", types=("both",), probes=("x", "xy"), look=look)
    search(gather(["xy", "xy"]), Rules((both,), Words), never)
    assert looked == [3, 8]


def _messages() -> list[Json]:
    """Small ones of all kinds: the edges as they are, alone and as an answer, and parts put together at random."""
    out: list[Json] = []
    for case in CASES:
        message = case["message"]
        out += [message, {"answer": {"content": [{"type": "text", "text": json.dumps(message)}], "isError": False}, "fault": [], "stderr": ""}]
    chance = random.Random(5)
    parts: list[Json] = [
        "5",
        "ada@",
        "example.com",
        EMAIL,
        "4111",
        4111,
        1111,
        999,
        -5000,
        2.5,
        1e9,
        True,
        None,
        "",
        "\u212b",
        "%40",
        "QURB",
        "&#64;",
        "ssn",
        "\ud800",
    ]
    for _ in range(600):
        inner: Json = [chance.choice(parts) for _ in range(chance.randrange(4))]
        out.append(
            {
                "content": inner,
                chance.choice(("text", "part1", "ssn", "to")): chance.choice(parts),
                "a": {"b": chance.choice(parts), "c": [chance.choice(parts)]},
            }
        )
    return out


def test_the_glance_says_nothing_only_where_the_search_finds_nothing() -> None:
    by = rules()
    seen = 0
    for message in _messages():
        try:
            spans = search(gather(message), by, never)
        except Refused:
            # Half of a character.
            assert not finds_nothing(message, by)
            continue
        if finds_nothing(message, by):
            seen += 1
            assert spans == []
    # It is of use, too.
    assert seen > 10
    assert finds_nothing({"content": [{"text": "5"}]}, by)
    assert not finds_nothing({"content": [{"text": EMAIL}]}, by)


def test_the_glance_is_for_small_messages_alone() -> None:
    by = rules()
    deep: Json = "5"
    for _ in range(SMALL_HOLDERS_MAX):
        deep = [deep]
    assert not finds_nothing(deep, by)
    assert not finds_nothing({"content": "x" * (SMALL_CHARS_MAX + 1)}, by)
    assert not finds_nothing({"content": ["5", "6"]}, by)
    assert not finds_nothing({"a key that nobody has searched": 1}, by)


class Counting(Words):
    """Keeps what it was asked to scan."""

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self.asked: list[bytes] = []

    def scan(self, data: bytes, most: int) -> list[tuple[int, int]]:
        self.asked.append(data)
        return super().scan(data, most)


def test_a_small_message_is_scanned_once_before_it_is_cleaned() -> None:
    by = Rules((one("email", "ada"),), Counting)
    assert isinstance(by.scanner, Counting)
    through = Filter(by, CallPrivacy(rules=NO_PRIVACY), Pseudonyms(b"k" * 32), lambda: 0.0)
    through({"text": "ada"})
    by.scanner.asked.clear()
    assert through({"text": "to ada"}).report.counts == (("email", 1),)
    # The message, and once more what is shown of it.
    assert [b"to ada" in data for data in by.scanner.asked] == [True, False]
