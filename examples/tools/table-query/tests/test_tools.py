"""Tables in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import main
from mpp_sdk.testing import Bench


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "sales.csv").write_text("Region,Amount,Am ount\nnorth,1,x\nsouth,2.5,y\nnorth,4,z\n\n", encoding="utf-8")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    (tmp_path / "evil.csv").write_text('"a); drop table data; --",b\n1,2\n', encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no table", encoding="utf-8")
    monkeypatch.setattr(main, "FOLDER", str(tmp_path))
    with Bench() as made:
        yield made


def test_names_the_tables(bench: Bench) -> None:
    assert bench.call("tables").structured == {"result": ["empty.csv", "evil.csv", "sales.csv"]}


def test_describes_a_table(bench: Bench) -> None:
    assert bench.call("describe", file="sales.csv").structured == {"rows": 3, "columns": {"region": "numeric", "amount": "numeric", "am_ount": "numeric"}}


def test_answers_in_rows_and_words(bench: Bench) -> None:
    found = bench.call("query", file="sales.csv", sql="select region, sum(amount) as total from data group by region order by 1")
    assert found.structured == {"columns": ["region", "total"], "rows": [["north", 5], ["south", 2.5]], "more": False}
    assert found.text.splitlines() == ["region | total", "north | 5", "south | 2.5"]
    assert bench.call("query", file="sales.csv", sql="select * from data", most=1).structured["more"] is True


@pytest.mark.parametrize("sql", ["drop table data", "insert into data values (1, 2, 3)", "selec", "select 1; select 2"])
def test_says_what_is_no_question(bench: Bench, sql: str) -> None:
    assert bench.call("query", file="sales.csv", sql=sql).is_error


def test_names_of_columns_are_no_sql(bench: Bench) -> None:
    assert list(bench.call("describe", file="evil.csv").structured["columns"]) == ["a_drop_table_data", "b"]


@pytest.mark.parametrize("file", ["empty.csv", "absent.csv"])
def test_says_what_is_no_table(bench: Bench, file: str) -> None:
    assert bench.call("describe", file=file).is_error
