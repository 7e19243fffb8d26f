"""Times and sizes in the record: rounded, bounded, and only what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mpp.host.measured import measured, rounded, SECONDS_MAX
from mpp.host.oncall import result_event
from mpp.model.events import SALT_BYTES
from mpp.stages.audit import encode_event
from mpp.stages.privacy import Report
from mpp.stages.sandbox import Run, Used


@pytest.mark.parametrize(("number", "kept"), [(0, 0), (7, 7), (99, 99), (100, 100), (119, 110), (123_456, 120_000)])
def test_two_digits_are_kept(number: int, kept: int) -> None:
    assert rounded(number) == kept


@given(some.integers(0, 10**15))
def test_rounding_goes_down_and_not_far(number: int) -> None:
    assert 0 <= number - rounded(number) <= number // 10


def test_a_clock_that_went_wrong_is_no_fault() -> None:
    found = measured((("policy", -3.0), ("sandbox", 1e300), ("privacy", 0.0012345)), 1234)
    assert found == {"policy_us": 0, "sandbox_us": SECONDS_MAX * 1_000_000, "privacy_us": 1200, "raw_bytes": 1200}


def test_a_result_says_what_was_measured_and_nothing_else() -> None:
    run = Run(fault=None, exit_code=0, stdout=b"x" * 1999, stderr=b"", stderr_cut=0, used=Used(), seconds=0.1, reusable=True)
    report = Report(rules="r", engine="e")
    plain = result_event("t", "i" * 32, "ok", run, "ab" * 32, report, 5)
    told = result_event("t", "i" * 32, "ok", run, "ab" * 32, report, 5, spent=(("sandbox", 0.25),))
    assert "measured" not in plain.body
    assert told.body == {**plain.body, "measured": {"sandbox_us": 250_000, "raw_bytes": 1900}}
    # What is remembered for other results that are alike is left as it was, and the line holds the whole body.
    assert result_event("t", "i" * 32, "ok", run, "ab" * 32, report, 5).body == plain.body
    assert b'"sandbox_us":250000' in encode_event(told, b"s" * SALT_BYTES)
