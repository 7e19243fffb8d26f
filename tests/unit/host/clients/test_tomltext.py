"""TOML by lines: which belong to a table, and what cannot be changed line by line."""

from __future__ import annotations

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.clients.documents import TomlDocument
from mpp.host.clients.tomltext import read_toml, statements, with_table

TEXT = '''a = 1 # one
b.c = """
[no.table]
# no comment
"""
# [no.header]
[t]  # a table
x = [ # a list
  "]", 'x]',
  { y = "}" }
]
[[t.rows]]
"quoted key".z = '''
TEXT += """'''
[neither]
'''
[ 'q.r' . "s\\u0041" ]
k = '\\'
"""


def test_statements_have_their_paths_and_all_their_lines() -> None:
    found = list(statements(TEXT))
    assert [one.path for one in found] == [
        ("a",),
        ("b", "c"),
        ("t",),
        ("t", "x"),
        ("t", "rows"),
        ("t", "rows", "quoted key", "z"),
        ("q.r", "sA"),
        ("q.r", "sA", "k"),
    ]
    assert TEXT[found[3].start : found[3].end].count("\n") == 4
    assert read_toml(TEXT, "f")["q.r"] == {"sA": {"k": "\\"}}


WRONG = [
    ("a = ", "not TOML"),
    ("a = 1\na = 2\n", "not TOML"),
    ("[a]\n[a]\n", "not TOML"),
    ("a = " + "[" * 3000 + "]" * 3000, "nested deeper"),
    ("a = " + "[" * 70 + "]" * 70, "nested deeper"),
    ("x = " + "[" * 70_000, "too many brackets"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(Refused, match=message) as fault:
        TomlDocument(text, "f")
    assert fault.value.code == "host.client_syntax"


def test_dates_are_texts() -> None:
    assert read_toml("a = 2026-11-26\n", "f") == {"a": "2026-11-26"}


FIXED = [
    'mcp_servers = { one = { command = "one" } }\n',
    '[mcp_servers]\none = { command = "one" }\n[[mcp_servers.two]]\ncommand = "x"\n',
]


def test_an_inline_table_is_refused_in_words() -> None:
    document = TomlDocument(FIXED[0], "f")
    for change in (lambda: document.removed({("mcp_servers",): frozenset(("one",))}), lambda: document.added(("mcp_servers",), "mpp", {"command": "x"})):
        with pytest.raises(Refused, match="line by line"):
            change()
    assert TomlDocument(FIXED[1], "f").removed({("mcp_servers",): frozenset(("one", "two"))}).text == "[mcp_servers]\n"


def test_values_are_written_so_that_they_read_back() -> None:
    items = {"t": 'q"\\\n\x7f\u2028é\U0001f600', "n": 5, "f": 1.5, "b": True, "l": ["a", 1], "d": {"x y": "1", "e": {}}}
    text = with_table("", ("s", "a b"), items, "f")
    assert read_toml(text, "f") == {"s": {"a b": items}}
    with pytest.raises(Refused, match="no null"):
        with_table("", ("s",), {"a": None}, "f")
    with pytest.raises(Refused, match="must be a table"):
        TomlDocument("", "f").added(("s",), "x", "text")


def test_a_table_at_the_end_of_a_text_without_line_end() -> None:
    document = TomlDocument('a = "x"', "f").added(("s",), "mpp", {"command": "x"})
    assert document.text == 'a = "x"\n\n[s.mpp]\ncommand = "x"\n'
    assert document.removed({("s",): frozenset(("mpp",))}).text == 'a = "x"\n'


def test_a_change_that_alters_something_else_is_not_made() -> None:
    # A table in the middle owns the lines behind it, wherever they come from.
    with pytest.raises((Refused, HostFailed)):
        TomlDocument("[s]\nx.y = 1\nx = {}\n", "f")
