"""The texts sort as the versions do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpp.model.names import VERSION
from mpp.protocol.registry.state import order_of
from mpp_registry.catalog.ordering import ordering_of

NUMBERS = st.one_of(st.integers(0, 12), st.integers(0, 10**15)).map(str)
PARTS = st.lists(st.one_of(NUMBERS, st.from_regex(r"[0-9]{0,2}[A-Za-z-]{1,3}[0-9]?", fullmatch=True)), max_size=3)


@st.composite
def versions(draw: st.DrawFn) -> str:
    core, pre = ".".join(draw(NUMBERS) for _ in range(3)), ".".join(draw(PARTS))
    return f"{core}-{pre}" if pre else core


@given(versions(), versions())
def test_texts_sort_as_versions(first: str, second: str) -> None:
    for one in (first, second):
        if VERSION.fullmatch(one) is None:
            return
    texts, orders = (ordering_of(first).encode(), ordering_of(second).encode()), (order_of(first), order_of(second))
    assert (texts[0] < texts[1]) == (orders[0] < orders[1])
    assert (texts[0] == texts[1]) == (orders[0] == orders[1])


def test_build_metadata_does_not_count() -> None:
    assert ordering_of("1.0.0+a") == ordering_of("1.0.0+b") == ordering_of("1.0.0")
