"""Names that are one edit away are found, all of them, by the few keys that are kept."""

from __future__ import annotations

import random

from hypothesis import given, settings, strategies

from mpp.stages.gatekeeper.lookalike import distance
from mpp_registry.publishing.lookalikes import _keys, _one_edit, keep_package, like_package
from tests.registry.publishing.worlds import World

WORDS = strategies.text(alphabet="abc.", min_size=0, max_size=8)


@settings(max_examples=400, deadline=None)
@given(WORDS, WORDS)
def test_one_edit_is_what_the_gatekeeper_counts(one: str, other: str) -> None:
    assert _one_edit(one, other) == (distance(one, other, 1) <= 1)


def edited(name: str, luck: random.Random) -> str:
    """One edit, wherever it falls."""
    place, letter = luck.randrange(len(name) - 1), luck.choice("abcdefgh")
    return luck.choice((
        name[:place] + letter + name[place:], name[:place] + name[place + 1 :], name[:place] + letter + name[place + 1 :],
        name[:place] + name[place + 1] + name[place] + name[place + 2 :],
    ))  # fmt: skip


def test_whatever_is_edited_is_found(world: World) -> None:
    luck = random.Random(7)
    names = [
        f"io.github.{''.join(luck.choices('abcdefgh', k=luck.randint(3, 9)))}.{''.join(luck.choices('abcdefgh', k=luck.randint(3, 9)))}" for _ in range(150)
    ]
    with world.services.database.write() as rows:
        for name in names:
            keep_package(rows, name)
    with world.services.database.read() as rows:
        for name in names:
            other = edited(name, luck)
            if other != name:
                assert name in like_package(rows, other).refused, (name, other)


def test_a_name_has_few_keys() -> None:
    assert len(_keys("com.example.hello")) == 5
    assert len(_keys("com.hello")) == 4
