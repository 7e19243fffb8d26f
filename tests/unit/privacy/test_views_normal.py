"""Plain characters for those that Unicode has in many ways."""

from __future__ import annotations

import pytest

from mpp.stages.privacy.views import normal_places, normalise
from mpp.stages.privacy.views.limits import BLOCK_CHARS, EDGE_CHARS

WAYS = [
    ("４１１１ １１１１", "4111 1111"),
    ("flor\u0435s85@zoho.com", "flores85@zoho.com"),
    ("4111\u200b1111", "41111111"),
    ("jo\xadhn@example.com", "john@example.com"),
    ("\u202ejohn@example.com\u202c", "john@example.com"),
    ("jo\u0301hn@e.com", "john@e.com"),
    ("123\xa045\u20096789", "123 45 6789"),
    ("123\u201145\u20116789", "123-45-6789"),
    ("123\u201345\u20136789", "123-45-6789"),
    ("john＠example．com", "john@example.com"),
    ("john@example\u3002com", "john@example.com"),
    ("\U0001d423\U0001d428@e.com", "jo@e.com"),
    ("jöhn@example.com", "john@example.com"),
    ("john@exämple.com", "john@example.com"),
    ("\u0661\u0662\u0663-\u0664\u0665", "123-45"),
    ("jo\ufb01@e.com", "jofi@e.com"),
    ("a@mail.\u0441\u043e\u043c", "a@mail.com"),
    ("4\xb9\xb2", "412"),
    ("john\U000e0041@e.com", "john@e.com"),
    ("\U0001d7d2\U0001d7cf", "41"),
]


@pytest.mark.parametrize(("text", "plain"), WAYS)
def test_a_value_in_odd_characters_is_made_plain(text: str, plain: str) -> None:
    places = normal_places(text)
    assert places
    view = normalise(text, places[0])
    assert view.text == plain
    assert [(view.starts[at], view.ends[at]) for at in range(len(plain))] == sorted((view.starts[at], view.ends[at]) for at in range(len(plain)))
    assert 0 <= view.starts[0] < view.ends[-1] <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        "Съешь же ещё этих мягких булок. Стоимость 15 кг, HTTP-запрос в API.",
        "L’été dernier, j’ai mangé à l’hôtel « Élysée » : 100 € pour 3 nuits.",
        "Ελληνικά κείμενο, API.",
        "电话，第一章（注）。",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f ok",
        "A dash \u2014 and a word\u2014word.",
        "plain",
    ],
)
def test_ordinary_sentences_have_no_places(text: str) -> None:
    assert normal_places(text) == []


def test_places_of_a_long_text_come_in_order_and_none_is_lost_between_parts() -> None:
    for at in (*range(4090, 4100), 9000):
        text = "x" * at + "\u0430" + "y" * (10_000 - at)
        assert set(normal_places(text)) == {at - 1, at}


def test_a_long_text_is_read_around_the_place_alone() -> None:
    text = "word " * 5000 + "4111\u200b1111" + " word" * 5000
    at = normal_places(text)[0]
    view = normalise(text, at)
    assert len(view.text) < 3 * (BLOCK_CHARS + 2 * EDGE_CHARS)
    found = view.text.index("41111111")
    assert text[view.starts[found] : view.ends[found + 7]] == "4111\u200b1111"


def test_what_has_no_plain_form_stays() -> None:
    assert normalise("\u4e2d\u200b\u20e3\U0001f600\u2460", 0).text == "\u4e2d\U0001f6001"
    assert normalise("\xbc", 0).text == "\xbc"
