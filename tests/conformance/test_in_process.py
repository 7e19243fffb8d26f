"""A few vectors judged in this very process, where a debugger and the coverage gate see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.suite.cases import Case, load
from conformance.suite.hosts import InProcess
from conformance.suite.judge import judge

CASES = [case for case in load("signature/*") if case.code.startswith("signature.root")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_root_chain_that_does_not_hold(case: Case, tmp_path: Path) -> None:
    assert judge(case, InProcess()).wrong == ()


def test_there_are_such_cases() -> None:
    assert len(CASES) > 20
