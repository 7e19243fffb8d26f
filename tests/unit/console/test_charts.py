"""Charts: axes that fit, drawings that hold on nothing, one, much and hostile; and every number again in a table."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mpp.console.charts import BAR_WIDTH, bars, Column, columns, COLUMNS_MAX, HALF, HEIGHT, LABELS_MAX, merged, Series, spreads, waterfall, WIDTH
from mpp.console.charts_scale import duration, on_log, quantile, short, step_for, ticks_for, TICKS_MAX

TWO = (Series(name="Ran", tone="ok"), Series(name="Denied", tone="denied"))


def chart(counts: list[tuple[int, int]], *, href: str = "", words: str = "Hour"):
    made = [Column(words=f"{words} {place}", label=str(place), counts=pair, href=href) for place, pair in enumerate(counts)]
    return columns("over-time", "Calls", "How many there were.", TWO, made)


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text.replace(' aria-labelledby="', ' labels="'))


def rectangles(found) -> list[dict[str, str]]:
    return [one.attrib for one in parsed(str(found.drawing)).iter("rect") if one.get("fill")]


# -- axes


@given(some.integers(0, 10**18))
def test_marks_begin_at_zero_are_few_and_reach_above_all(most: int) -> None:
    ticks = ticks_for(most)
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 2 <= len(ticks) <= TICKS_MAX + 1
    assert len({after - before for before, after in zip(ticks, ticks[1:], strict=False)}) == 1


@pytest.mark.parametrize(("most", "step"), [(0, 1), (1, 1), (5, 1), (6, 2), (11, 5), (99, 20), (100, 20), (101, 50), (1_000_000, 200_000)])
def test_steps_are_one_two_or_five(most: int, step: int) -> None:
    assert step_for(most) == step


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1234, "1.2k"),
        (9949, "9.9k"),
        (99_960, "100k"),
        (999_999, "1M"),
        (34_000_000, "34M"),
        (5 * 10**13, "50T"),
        (10**18, "1000000T"),
    ],
)
def test_numbers_are_short(number: int, words: str) -> None:
    assert short(number) == words


@pytest.mark.parametrize(
    ("took", "words"), [(0, "0 µs"), (340, "340 µs"), (999, "999 µs"), (1000, "1 ms"), (1240, "1.2 ms"), (999_700, "1 s"), (3_000_000_000, "3,000 s")]
)
def test_times_have_the_unit_that_fits(took: int, words: str) -> None:
    assert duration(took) == words


@given(some.lists(some.integers(0, 10**9), min_size=1, max_size=60), some.integers(1, 100))
def test_a_quantile_is_one_of_them_and_enough_are_not_above(found: list[int], percent: int) -> None:
    rising = sorted(found)
    value = quantile(rising, percent)
    assert value in rising
    assert sum(one <= value for one in rising) * 100 >= percent * len(rising)
    assert sum(one < value for one in rising) * 100 < percent * len(rising)


def test_the_middle_of_nothing_is_nothing() -> None:
    assert quantile((), 50) == 0


@given(some.integers(0, 10**10), some.integers(0, 10**10), some.integers(0, 10**10))
def test_places_on_an_axis_of_powers_lie_on_it(number: int, least: int, most: int) -> None:
    assert 0 <= on_log(number, least, most, 500) <= 500


# -- upright bars


def test_nothing_is_not_drawn_and_still_told() -> None:
    found = chart([(0, 0), (0, 0)])
    assert found.drawing == ""
    assert found.rows == ((("Hour 0", ""), ("0", "0")), (("Hour 1", ""), ("0", "0")))
    assert chart([]).rows == ()


def test_one_bar_is_a_bar_and_stands_on_the_axis() -> None:
    (one,) = rectangles(chart([(7, 0)]))
    assert float(one["width"]) <= 48
    assert float(one["y"]) + float(one["height"]) == pytest.approx(HEIGHT - 26, abs=0.2)


@given(some.lists(some.tuples(some.integers(0, 10**15), some.integers(0, 3)), max_size=400))
def test_every_drawing_is_well_formed_inside_its_frame_and_shows_what_is_not_nothing(counts: list[tuple[int, int]]) -> None:
    found = chart(counts)
    assert len(found.rows) <= COLUMNS_MAX
    told = [[int(number.replace(",", "")) for number in numbers] for _, numbers in found.rows]
    assert [sum(column) for column in zip(*told, strict=True)] == ([sum(column) for column in zip(*counts, strict=True)])
    if not found.drawing:
        assert not any(map(any, counts))
        return
    parts = rectangles(found)
    assert len(parts) == sum(bool(number) for numbers in told for number in numbers)
    for one in parts:
        assert float(one["height"]) >= 2
        assert 0 <= float(one["x"]) <= WIDTH
        assert float(one["x"]) + float(one["width"]) <= WIDTH
        assert 0 <= float(one["y"]) <= HEIGHT


def test_a_drawing_says_what_it_is_and_kinds_differ_in_more_than_colour() -> None:
    found = chart([(3, 1), (5, 0)])
    root = parsed(str(found.drawing))
    assert root.get("role") == "img"
    assert root.get("labels") == "over-time-t over-time-d"
    assert (root[0].text, root[1].text) == ("Calls", "How many there were.")
    patterns = [ET.tostring(one) for one in root.iter("pattern")]
    bare = [re.sub(rb'(id|class)="[^"]*"', b"", one) for one in patterns]
    assert len(set(bare)) == len(bare) == 2
    assert [(one.name, one.total) for one in found.legend] == [("Ran", 8), ("Denied", 1)]


def test_few_words_stand_under_the_axis() -> None:
    texts = [one for one in parsed(str(chart([(1, 0)] * 90).drawing)).iter("text") if one.get("text-anchor") == "middle"]
    assert 2 <= len(texts) <= LABELS_MAX


def test_thousands_of_bars_are_put_together() -> None:
    made = [Column(words=f"b{place}", label=f"l{place}", counts=(1, place % 2), href="/x") for place in range(5000)]
    found = merged(made, COLUMNS_MAX)
    assert len(found) <= COLUMNS_MAX
    assert sum(one.total for one in found) == 7500
    assert found[0].words.startswith("b0 to b")
    assert found[0].href == ""
    assert merged(made[:3], COLUMNS_MAX) == tuple(made[:3])


def test_words_of_strangers_stay_words() -> None:
    """Attack: a name that ends the drawing and begins a script, or that turns the line around."""
    found = chart([(1, 1)], href='/calls?tool="><script>', words="</title></svg><script>alert(1)</script>\u202e")
    text = str(found.drawing)
    assert "<script" not in text
    assert "\u202e" not in text
    assert len(list(parsed(text).iter("a"))) == 1


def test_a_bar_leads_somewhere_and_is_no_stop_of_the_tabulator() -> None:
    (link,) = parsed(str(chart([(1, 0)], href="/calls?since=1&until=2").drawing)).iter("a")
    assert (link.get("href"), link.get("tabindex")) == ("/calls?since=1&until=2", "-1")


# -- lying bars


def widths(drawing) -> list[tuple[int, int]]:
    return [(int(one.get("x")), int(one.get("width"))) for one in ET.fromstring(str(drawing))]


def test_lying_bars_stand_to_each_other_as_their_numbers() -> None:
    found = bars([("a", "/a", 1_000_000), ("b", "", 500_000), ("c", "", 1)])
    assert [one.number for one in found] == ["1,000,000", "500,000", "1"]
    assert [widths(one.drawing)[0][1] for one in found] == [1000, 500, 4]
    assert bars([]) == ()
    assert widths(bars([("a", "", 0)])[0].drawing) == [(0, 4)]


def test_spreads_say_middle_and_slow_and_what_was_not_measured() -> None:
    found = spreads([("policy", tuple(range(100, 200))), ("sandbox", (5000,)), ("privacy", ())])
    assert [(one.middle, one.slow, one.calls) for one in found] == [("149 µs", "194 µs", 100), ("5 ms", "5 ms", 1), ("not measured", "not measured", 0)]
    assert widths(found[2].drawing) == []
    assert all(begin + width <= BAR_WIDTH + 4 for one in found for begin, width in widths(one.drawing))
    assert spreads([]) == ()


@given(some.lists(some.one_of(some.none(), some.integers(0, 10**12)), max_size=8))
def test_each_step_begins_where_the_one_before_ends(times: list[int | None]) -> None:
    found = waterfall([(f"s{place}", took) for place, took in enumerate(times)], ["ok"] * len(times))
    assert [one.took == "" for one in found] == [took is None for took in times]
    drawn = [widths(one.drawing)[0] for one in found if one.took]
    assert all(begin >= 0 and begin + width <= BAR_WIDTH for begin, width in drawn)
    assert [begin for begin, _ in drawn] == sorted(begin for begin, _ in drawn)
    if any(times):
        longest = max(range(len(drawn)), key=lambda place: [took for took in times if took is not None][place])
        assert drawn[longest][1] >= max(width for _, width in drawn) - 1


def test_half_a_page_has_fewer_words_under_the_axis_and_the_same_size() -> None:
    made = [Column(words=str(place), label=str(place), counts=(1, 0)) for place in range(60)]
    half = columns("a", "t", "w", TWO, made, width=HALF)
    root = parsed(str(half.drawing))
    assert root.get("viewBox") == f"0 0 {HALF} {HEIGHT}"
    assert len([one for one in root.iter("text") if one.get("text-anchor") == "middle"]) <= 6
    assert all(float(one["x"]) + float(one["width"]) <= HALF for one in rectangles(half))
