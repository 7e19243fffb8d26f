"""The examples of the texts are sound policies, and the presets say what the specification says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpp.stages.policy import limits, parse_policy
from mpp.stages.policy.reading_tests import OPS

ROOT = Path(__file__).resolve().parents[3]
SPEC = (ROOT / "spec" / "3-policy.md").read_text(encoding="utf-8")
EXAMPLES = [
    (name, block)
    for name in ("spec/3-policy.md", "docs/how-to/write-a-policy.md", "docs/how-to/filter-by-policy.md")
    for block in re.findall(r"```toml\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
]


@pytest.mark.parametrize(("name", "block"), EXAMPLES, ids=[f"{i}-{name}" for i, (name, _) in enumerate(EXAMPLES)])
def test_an_example_is_a_sound_policy(name: str, block: str) -> None:
    whole = block if "mpp_policy" in block else f'mpp_policy = 1\nname = "example"\n{block}'
    policy = parse_policy(whole.encode(), where=name)
    assert policy.rules or policy.privacy


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("op", OPS)
def test_every_operator_stands_in_the_specification(op: str) -> None:
    assert f"`{op}`" in SPEC


NUMBERS = [
    (limits.POLICY_BYTES_MAX, "4,194,304"), (limits.RULES_MAX, "10,000"), (limits.LIST_MAX, "1,000"), (limits.ARGUMENT_TESTS_MAX, "16"), (limits.ARGUMENT_TEXT_MAX, "1,024"),
    (limits.ARGUMENT_PATH_MAX, "4,096"), (limits.PATH_PARTS_MAX, "64"), (limits.CALLS_PER_MINUTE_MAX, "100,000"), (limits.ANSWER_SECONDS_MAX, "900"), (limits.WHY_MAX, "300"),
    (limits.MAPPINGS_MAX, "256"), (limits.PRIVATE_HOSTS_MAX, "1,000"), (limits.SEARCHED_CHARS_MAX, "16,384"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "text"), NUMBERS)
def test_the_specification_has_the_numbers_of_the_code(number: int, text: str) -> None:
    assert f"{number:,}" == text
    assert text in SPEC
