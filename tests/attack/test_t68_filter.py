"""T68, answers that are made to keep the privacy filter busy, to be passed over by it, or to leave a value somewhere beside the answer.

Each hostile message is filtered or withheld in time, and whatever a tool says, no planted value stands in any byte that the host keeps or shows.
"""

from __future__ import annotations

import time

import pytest

from mpp.errors import Refused
from mpp.stages.privacy import MESSAGE_BYTES_MAX, read_message
from mpp.stages.privacy.limits import SECONDS_MAX
from mpp.testing.hostile import FORMS, UNITS, messages
from tests.privacies import filter_of

SIZE = 250_000
"""Characters of a message. Reason: what is quadratic takes minutes, what is linear a second. The benchmark takes four times as many."""

MARGIN = 55.0
"""Seconds over the limit. Reason: the clock of a processor that others take away runs on, and one look at a megabyte by the engine cannot be interrupted."""

MESSAGES = messages(SIZE)


def test_there_are_enough_of_them() -> None:
    assert (len(UNITS) + len(FORMS), len(MESSAGES)) >= (90, 90)
    assert len(MESSAGES) == len(UNITS) + len(FORMS)


@pytest.mark.parametrize("name", MESSAGES)
def test_it_is_done_or_withheld_in_time(name: str) -> None:
    message = MESSAGES[name]()
    begin = time.process_time()
    filtered = filter_of()(message)
    assert time.process_time() - begin < SECONDS_MAX + MARGIN
    assert filtered.report.withheld in {"", "privacy.limit", "privacy.deadline"}
    assert (filtered.message is None) == filtered.is_withheld


def test_what_is_too_large_is_not_even_read() -> None:
    with pytest.raises(Refused, match=r"privacy\.limit"):
        read_message(b'"' + b"x" * MESSAGE_BYTES_MAX + b'"')
