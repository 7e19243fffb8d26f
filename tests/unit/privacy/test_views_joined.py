"""Values over several texts."""

from __future__ import annotations

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import gather
from mpp.stages.privacy.views import joined, JoinedView

MAIL = "john@example.com"
KEY = ["-----BEGIN RSA PRIVATE " + "KEY-----", "MIIEabc", "def+/=", "-----END RSA PRIVATE " + "KEY-----"]


def texts(message: Json) -> list[str]:
    return [view.text for view in joined(gather(message))]


def only(message: Json) -> JoinedView:
    (view,) = joined(gather(message))
    return view


TOGETHER: list[tuple[Json, str]] = [
    ({"parts": ["4111", "1111", "1111", "1111"]}, "4111111111111111"),
    ({"card": [4111, 1111, 1111, 1111]}, "4111111111111111"),
    ({"card": ["4111", 1111, 1111, "1111"]}, "4111111111111111"),
    ({"d": list("4111111111111111")}, "4111111111111111"),
    ({"phone": [4, 1, 5, 5, 5, 5, 2, 6, 7, 1]}, "4155552671"),
    ({"phone": ["415", "555", "2671"]}, "415-555-2671"),
    ({"account": ["415", "555", "2671"]}, "4155552671"),
    ({"ssn": [457, 55, 5462]}, "457-55-5462"),
    ({"c": list(MAIL)}, MAIL),
    ({"c": ["write", "john@", "example.com", "now"]}, MAIL),
    ({"e": ["john", "@", "example", ".", "com"]}, MAIL),
    ({"content": [{"type": "text", "text": "mail john@"}, {"type": "image"}, {"type": "text", "text": "example.com ok"}]}, f"mail {MAIL} ok"),
    ({"content": [{"text": "card 4111 1111"}, {"text": "1111 1111 ok"}]}, "card 4111 1111 1111 1111 ok"),
    ({"content": [{"text": "card 4111 1111 "}, {"text": "1111 1111 ok"}]}, "card 4111 1111 1111 1111 ok"),
    ({"iban": ["GB29", "NWBK", "6016", "1331", "9268", "19"]}, "GB29NWBK60161331926819"),
    ({"k": KEY}, "\n".join(KEY)),
    ({"k": ["AKIA" + "ABCD", "EFGHIJKLMNOP"]}, "AKIA" + "ABCDEFGHIJKLMNOP"),
    ({"data": list(MAIL.encode())}, MAIL),
    ({"part1": "john@", "part2": "example.com"}, MAIL),
    ({"Part_0": "4111 1111 ", "Part_1": "1111 1111", "Part_x": 1}, "4111 1111 1111 1111"),
    ({"area": "415", "prefix": "555", "line": 2671}, "415-555-2671"),
    ({"local_part": "john", "domain": "example.com"}, MAIL),
    ({"e": ["a\x01", "john@", "example.com"]}, MAIL),
]


@pytest.mark.parametrize(("message", "text"), TOGETHER, ids=lambda item: str(item)[:40])
def test_parts_are_put_together(message: Json, text: str) -> None:
    assert text in texts(message)


@pytest.mark.parametrize(
    "message",
    [
        {"emails": ["a@b.com", "c@d.com"]},
        {"ints": [1024, 2048, 4096, 8192, 1]},
        {"size": [640, 480, 1024]},
        {"scores": [4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]},
        {"series": list(range(1000, 1100))},
        {"small": [1, 2, 3, 4, 5, 6, 7, 8, 9]},
        {"controls": [9, 10, 127, 1, 2, 3, 4, 5]},
        {"twos": [11, 12, 14, 15, 16, 17, 18, 19]},
        {"xy": [1.5, 2.5]},
        {"pairs": [[1, 2], [3, 4]]},
        {"words": ["alpha", "beta"]},
        {"mixed": ["alpha", None]},
        {"flags": [1, True, None]},
        {"rows": [{"id": 1}, {"id": 2}]},
        {"area": "415"},
        {"1": "123", "2": "456"},
        {"value": {"part1": [1], "part2": None}},
        ["part1", "part2"],
    ],
    ids=str,
)
def test_whole_things_stay_apart(message: Json) -> None:
    assert texts(message) == []


def test_the_way_back_leads_to_each_leaf() -> None:
    message: Json = {"to": ["x", "john@", "example.com", "y"], "n": 1}
    arena = gather(message)
    view = only(message)
    assert view.name == "to"
    assert view.crosses(0, 16)
    assert not view.crosses(0, 4)
    assert not view.crosses(5, 16)
    assert [(arena.texts[leaf], start, end) for leaf, start, end in view.spans(1, 8)] == [("john@", 1, 5), ("example.com", 0, 3)]
    assert view.missing(0, 16) == []
    assert view.whole(0, 16)
    assert not view.whole(1, 16)
    assert not view.whole(0, 15)


def test_numbers_count_as_a_whole_and_short_ones_are_named_by_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpp.stages.privacy.arena.LONG_NUMBER", 10_000)
    items: list[Json] = [4111, 1111, 1111, 1111]
    view = only({"card": items})
    assert view.crosses(0, 16)
    assert not view.crosses(0, 15)
    assert not view.crosses(1, 16)
    assert view.spans(0, 16) == []
    assert [(spot.holder is items, spot.step) for spot in view.missing(0, 8)] == [(True, 0), (True, 1)]


def test_of_long_texts_only_the_ends_at_a_border_are_read() -> None:
    message: Json = {"content": [{"text": "x" * 500 + " john@"}, {"text": "example.com " + "y" * 500 + " 4111 1111 "}, {"text": "1111 1111 " + "z" * 500}]}
    arena = gather(message)
    view = only(message)
    assert len(view.text) < 4 * 64 + 10
    for value, parts in ((MAIL, ["john@", "example.com"]), ("4111 1111 1111 1111", ["4111 1111 ", "1111 1111"])):
        at = view.text.index(value)
        assert [arena.texts[leaf][start:end] for leaf, start, end in view.spans(at, at + len(value))] == parts


def test_chains_of_one_list_are_apart() -> None:
    assert texts({"e": ["a@", "b.com", "word", "c@", "d.com"]}) == ["a@b.com", "c@d.com"]
    assert sorted(texts({"e": ["a@", "b.com"], "f": ["word", "c@", "d.com"]})) == ["a@b.com", "c@d.com"]
