"""The forms of names, and the precedence of versions."""

from __future__ import annotations

import itertools
import re

import pytest

from mpp.model.names import PACKAGE_ID, PACKAGE_NAME, SHA256_HEX, SHORT_KEY_ID, TOOL_NAME, VERSION, version_key

FORMS: list[tuple[re.Pattern[str], list[str], list[str]]] = [
    (PACKAGE_ID, ["a.b", "com.example.hello", "org.acme.database-tool", "io.9x.1-2", "com." + "a" * 124], ["a", "", "a.", ".a", "A.b", "a.b-", "a.-b", "a.b--c", "a_b.c", "nul.x", "com9.x", "a.b\n", "com." + "a" * 125]),
    (PACKAGE_NAME, ["a", "crm-lookup", "a.b_c-1", "x" * 64], ["", "A", "-a", "a-", "a--b", "a b", "x" * 65, "a\n"]),
    (TOOL_NAME, ["a", "A.b_c-1", "x" * 64], ["", "a b", "a/b", "x" * 65, "a\n"]),
    (SHORT_KEY_ID, ["pub_a1b2c3d4e5f67890"], ["pub_", "pub_A1b2c3d4e5f67890", "pub_a1b2c3d4e5f678900"]),
    (SHA256_HEX, ["0" * 64], ["0" * 63, "A" * 64]),
    (VERSION, ["0.0.0", "1.2.3-a.1.b-c+001.x", "1.0.0-0a", "1.0.0--", "1.0.0+0"], ["1", "1.2", "1.2.3.4", "1.0.0-a..b", "1.0.0-00", "1.0.0+", "1.0.0-" + "a" * 59, " 1.0.0", "1.0.0\n", "\u0661.0.0"]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text"), [(pattern, text) for pattern, good, _ in FORMS for text in good])
def test_names_of_the_form(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.fullmatch(text)


@pytest.mark.parametrize(("pattern", "text"), [(pattern, text) for pattern, _, bad in FORMS for text in bad])
def test_names_not_of_the_form(pattern: re.Pattern[str], text: str) -> None:
    assert not pattern.fullmatch(text)


# The order of clause 11 of Semantic Versioning 2.0, and numbers that sort differently as texts.
ASCENDING = [
    "0.0.1", "0.9.0", "0.10.0", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2",
    "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0", "10.0.0",
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), list(itertools.combinations(ASCENDING, 2)))
def test_versions_are_ordered_by_precedence(low: str, high: str) -> None:
    one, two = version_key(low), version_key(high)
    assert one is not None
    assert two is not None
    assert one < two


def test_build_metadata_does_not_count_and_other_texts_have_no_key() -> None:
    assert version_key("1.0.0-a+x") == version_key("1.0.0-a") != version_key("1.0.0+a")
    assert version_key("1.0") is None
    assert version_key("1" * 100_000) is None
