"""Secrets a level below their name, beside it, below a heading, and in blocks of lines: in a message and as text."""

from __future__ import annotations

import json

import pytest

from mpp.model.jsontext import Json
from mpp.stages.privacy.arena import Arena, gather, Spot, Spots
from mpp.stages.privacy.detectors import columns, tables
from mpp.stages.privacy.detectors.secrets import nested
from tests.unit.privacy.test_secrets_search import found

HUNTER, OTHER = "hunter" + "2", "sekret" + "-99"
DRAWN = "q8Zk" + "3Vt0Xw7Lr5Pm"

OBJECTS: list[tuple[Json, list[str]]] = [
    ({"password": {"value": HUNTER}}, [HUNTER]),
    ({"password": {"type": "string", "default": HUNTER}}, [HUNTER]),
    ({"password": {"current": HUNTER, "length": 12, "title": "Zq81x"}}, [HUNTER]),
    ({"password": {"value": {"stringValue": HUNTER}}}, [HUNTER]),
    ({"password": {"S": HUNTER}}, [HUNTER]),
    ({"password": [{"value": HUNTER}, {"value": OTHER}]}, [HUNTER, OTHER]),
    ({"password": {"0": HUNTER, "1": OTHER}}, [HUNTER, OTHER]),
    ({"password": {"value": "sekret"}}, ["sekret"]),
    # Where something about a password may stand, a word is none.
    ({"password": {"default": "sekret", "text": "Passwort"}}, []),
    ({"password": {"value": {"value": {"value": {"value": HUNTER}}}}}, []),
    ({"datadog": {"api_key": {"value": DRAWN}}}, [DRAWN]),
    ([{"ParameterKey": "DbPassword", "ParameterValue": HUNTER}], [HUNTER]),
    ([{"Name": "DB_PASSWORD", "Value": HUNTER}], [HUNTER]),
    ({"passwords": [f"{HUNTER}x{number}" for number in range(1500)]}, [f"{HUNTER}x{number}" for number in range(1500)]),
]


@pytest.mark.parametrize(("message", "values"), OBJECTS, ids=lambda one: json.dumps(one)[:48])
def test_values_below_a_name(message: Json, values: list[str]) -> None:
    assert found(message) == values


TABLES: list[tuple[Json, list[str]]] = [
    ({"columns": ["name", "password"], "rows": [["ada", HUNTER], ["bob", "sekret"], ["short"]]}, [HUNTER, "sekret"]),
    ({"data": [["ada", HUNTER]], "index": [0], "columns": ["name", "password"]}, [HUNTER]),
    ({"columns": [{"name": "name"}, {"name": "password", "type": "text"}], "rows": [["ada", HUNTER]]}, [HUNTER]),
    ({"meta": {"fields": [{"name": "name"}, {"name": "password"}]}, "data": [["ada", HUNTER]]}, [HUNTER]),
    ([["name", "password"], ["ada", HUNTER], ["bob", "sekret"]], [HUNTER]),
    # No heading: not all are texts, alone in its list, no list of rows, rows of another length, the second row.
    ({"columns": ["name", "password", 5], "rows": [["ada", HUNTER, "x"]]}, []),
    ({"columns": ["password"], "rows": [[HUNTER]]}, []),
    ({"columns": ["name", "password"], "rows": HUNTER, "more": []}, []),
    ({"columns": ["name", "password"], "rows": [["ada", HUNTER, "x"]]}, []),
    ([["name", "city"], ["ada", "password"], ["bob", HUNTER]], []),
    ([{"name": "password"}], []),
    ({"one": {"name": "password"}, "rows": [["ada", HUNTER]]}, []),
    (["name", "password"], []),
    ({"columns": ["name", "password"], "rows": [["ada", 5]]}, []),
]


@pytest.mark.parametrize(("message", "values"), TABLES, ids=lambda one: json.dumps(one)[:64])
def test_cells_of_a_table_of_lists(message: Json, values: list[str]) -> None:
    assert found(message) == values


def test_other_readings_of_single_leaves_have_no_tables() -> None:
    other = Arena(["password"], [Spot(["password"], 0)], [""])
    assert [*tables.below(other, 0)] == []
    assert [*nested.within(other, {"value": "x"})] == []
    assert [*nested.every(other, {"value": "x"})] == []


def test_what_holds_an_object_is_known() -> None:
    inner: dict[str, Json] = {}
    outer: dict[str, Json] = {"b": inner}
    items: list[Json] = [outer]
    spots = gather({"a": items}).spots
    assert isinstance(spots, Spots)
    assert spots.parent(inner) is outer
    assert spots.parent(outer) is items
    assert spots.parent({}) is None


TEXTS: list[tuple[str, list[str]]] = [
    (json.dumps({"password": {"value": HUNTER}}), [HUNTER]),
    (json.dumps({"password": {"type": "string", "value": HUNTER}}, indent=2), [HUNTER]),
    (json.dumps([{"key": "API_KEY", "value": DRAWN}], indent=1), [DRAWN]),
    (json.dumps([{"name": "PASSWORD", "type": "text", "value": HUNTER}]), [HUNTER]),
    (json.dumps({"password": {"default": "sekret"}}), []),
    (json.dumps({"columns": ["name", "password"], "rows": [["ada", HUNTER], ["bob", "sekret"]]}), [HUNTER, "sekret"]),
    (json.dumps([["password", "name"], [HUNTER, "ada"], [None, "bob"], ["sekret", "max"]]), [HUNTER]),
    (json.dumps({"columns": ["name", "password"], "count": 1}), []),
    (json.dumps({"required": ["password"], "rows": [[HUNTER]]}), []),
    ('"password" of ["a", "b"]', []),
    ('["name", "password", 5], [["ada", "hunter2", 6]]', []),
    (f"env:\n  - name: DB_PASSWORD\n    value: {HUNTER}\n  - name: MODE\n    value: fast\n", [HUNTER]),
    (f'env:\n  - name: DB_PASSWORD\n    kind: text\n    value: "{HUNTER}"\n', [HUNTER]),
    (f"password:\n  value: {HUNTER}\n", [HUNTER]),
    ("env:\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef: {name: shop-2}\n", []),
    (f"password: |\n  {HUNTER}\nport: 3", [HUNTER]),
    ("password: |\n  sekret\n", ["sekret"]),
    ("password: |\n  sekret\n  geheim\n", []),
    (f"a:\n  token: >-\n    {DRAWN}\n\n    {DRAWN}x\n  b: {DRAWN}\n", [DRAWN, f"{DRAWN}x"]),
    (f"passwords:\n  - {HUNTER}\n  - '{OTHER}'\nport: {OTHER}x", [HUNTER, OTHER]),
    (f'password = """\n{HUNTER}\n"""\n{OTHER}', [HUNTER]),
    (f"Password:\n```\n{HUNTER}\n```\n{OTHER}", [HUNTER]),
    (f"**Password:**\n\n```text\n{HUNTER}\n```\n", [HUNTER]),
    (f'<property name="password">{HUNTER}</property>', [HUNTER]),
    ('<label for="password">Password</label> <label for="password">Kennwort</label>', []),
    ("password: |", []),
    ("password: |\n" + "  sekret-99\n" * 1200, ["sekret-99"]),
    (f'WPA_PSK={HUNTER}\n psk="{OTHER}"', [HUNTER, OTHER]),
    (f"PresharedKey = {DRAWN}", [DRAWN]),
    ("password=abc\\\n12def\nnext", ["abc\\\n12def"]),
    ("tool --password abc12 \\\n  --name shop", ["abc12"]),
]


@pytest.mark.parametrize(("text", "values"), TEXTS, ids=lambda one: str(one)[:48])
def test_values_in_a_text(text: str, values: list[str]) -> None:
    assert found({"log": text}) == values


MIDST: list[tuple[str, list[str]]] = [
    (f"Found:\n\n| name | password |\n|---|---|\n| ada | {HUNTER} |\n| bob | sekret |\n\nThe | end sekret2", [HUNTER, "sekret"]),
    (f"+------+----------+\n| name | password |\n+------+----------+\n| ada  | {HUNTER}  |\n+------+----------+\n", [HUNTER]),
    (f"Result:\nname,password\nada,{HUNTER}\nbob,sekret\n", [HUNTER]),
    (f"Result:\nname\tpassword\nada\t{HUNTER}\n\nx\ty1", [HUNTER]),
    # No table: indented, one cell, a sentence, no row of as many cells, a row of the table before.
    (f"x\n  name, password\n  ada, {HUNTER}\n", []),
    (f"x\npassword,\n{HUNTER},\n", []),
    (f"x\nEnter your (new) name, password\nada, {HUNTER}\n", []),
    (f"x\nname,password\n{HUNTER}", []),
    (f"x\nname,password\nada,{HUNTER},more\n", []),
    (f"x\na,b\nname,password\nada,{HUNTER}\n", []),
    ("x\nname,password", []),
    (f"Give your name, password.\nada, {HUNTER}", []),
    ("a" * 1100 + ",password\n,hunter2", []),
    ("a" * 900 + "\n" + "," * 101 + "password,x\n", []),
    ("the password, x\nada, hunter2", []),
]


@pytest.mark.parametrize(("text", "values"), MIDST, ids=lambda one: str(one)[:32])
def test_tables_in_the_midst_of_a_text(text: str, values: list[str]) -> None:
    assert found({"log": text}) == values


def test_a_list_of_many_columns_is_none() -> None:
    width = columns.COLUMNS_MAX + 1
    text = json.dumps([["password", *(["c"] * width)], [HUNTER, *(["x"] * width)]])
    assert found({"log": text}) == []
    message: Json = {"columns": ["password", *(["c"] * tables.COLUMNS_MAX)], "rows": [[HUNTER, *(["x"] * tables.COLUMNS_MAX)]]}
    assert found(message) == []
