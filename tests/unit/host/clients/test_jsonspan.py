"""Reading JSON with comments: what stands where, and what is refused with its place."""

from __future__ import annotations

import json
import random

import pytest

from mpp.errors import Refused
from mpp.host.clients.documents import JsonDocument
from mpp.host.clients.jsonspan import Tree
from mpp.host.clients.limits import CONFIG_DEPTH_MAX

SOUND = [
    '{"a": [1, -2.5e3, true, null, "x\\u00e9\\n"], "b": {}}',
    " [ ] ",
    '// first\r\n{ /* a * b ** */ "a" /**/ : // c\n 1 , }\n// last',
    '{"a": "// no comment /*"}',
    "0",
]
WRONG = [
    ("/* only words */ 1 2", "line 1, column 20"),
    ("{", "line 1, column 2"),
    ('{"a" 1}', "line 1, column 6"),
    ('{"a": 1 "b": 2}', "line 1, column 9"),
    ("{a: 1}", "line 1, column 2"),
    ("{'a': 1}", "line 1, column 2"),
    ('{"a": 1,, }', "line 1, column 9"),
    ("[1 2]", "line 1, column 4"),
    ("[,]", "line 1, column 2"),
    ("{} x", "line 1, column 4"),
    ("{}\n{}", "line 2, column 1"),
    ('{"a": }', "line 1, column 7"),
    ('{"a": 01}', "line 1, column 7"),
    ('{"a": NaN}', "line 1, column 7"),
    ('{"a": +1}', "line 1, column 7"),
    ('{"a": 0x10}', "line 1, column 7"),
    ('{"a": "\\q"}', "line 1, column 7"),
    ('{"a": "line\nend"}', "line 1, column 7"),
    ("{/* open }", "line 1, column 2"),
    ("{ # shell\n}", "line 1, column 3"),
    ('{"a": 1, "a": 2}', "line 1, column 10: a"),
    ('{"a": 1, "\\u0061": 2}', "line 1, column 10: a"),
    # A lone carriage return ends a comment for some readers only.
    ('{ // c\r"a": 1\n}', "line 1, column 3"),
    ("[" * (CONFIG_DEPTH_MAX + 1) + "]" * (CONFIG_DEPTH_MAX + 1), f"line 1, column {CONFIG_DEPTH_MAX + 1}"),
    ('{"a": ' + "9" * 5000 + "}", "line 1, column 7"),
]


def without_comments(text: str) -> str:
    return text.replace("// first\r\n", "").replace("/* a * b ** */", "").replace("/**/", "").replace("// c\n", "").replace(" , }", "}").replace("// last", "")


@pytest.mark.parametrize("text", SOUND)
def test_what_it_means(text: str) -> None:
    tree = Tree(text, "f")
    assert tree.json(tree.root) == json.loads(without_comments(text))


@pytest.mark.parametrize(("text", "where"), WRONG)
def test_what_is_refused_and_where(text: str, where: str) -> None:
    with pytest.raises(Refused) as fault:
        JsonDocument(text, "f")
    assert fault.value.code == "host.client_syntax"
    assert fault.value.where == f"f: {where}"


def test_an_object_is_found_by_its_path() -> None:
    tree = Tree('{"a": {"b": {"c": 1}}, "d": 5}', "f")
    found = tree.at("a", "b")
    assert found is not None
    assert tree.json(found) == {"c": 1}
    assert tree.at("a", "x") is None
    with pytest.raises(Refused, match="must be an object"):
        tree.at("d", "x")


SPACES = ["", "", " ", "\n  ", "\n\t", "\r\n    ", ' // c "{\n', " /* x, } */ ", "/* a\n b */", "  // http://x\r\n  "]


class Maker:
    """Documents that people would not write, but could."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def space(self) -> str:
        return self._random.choice(SPACES)

    def item(self, depth: int) -> str:
        kind = self._random.randrange(5 if depth else 3)
        if kind < 3:
            return ["1", '"a // b"', "true"][kind]
        if kind == 3:
            return "[" + ",".join(self.space() + self.item(depth - 1) + self.space() for _ in range(self._random.randrange(3))) + "]"
        return self.table([f"k{index}" for index in range(self._random.randrange(4))], depth - 1)

    def table(self, keys: list[str], depth: int) -> str:
        text = "{" + self.space()
        for index, key in enumerate(keys):
            text += f'{self.space()}"{key}"{self.space()}:{self.space()}{self.item(depth)}{self.space()}'
            if index < len(keys) - 1 or self._random.random() < 0.3:
                text += "," + self.space()
        return text + self.space() + "}"

    def document(self) -> str:
        servers = self.table([f"s{index}" for index in range(self._random.randrange(4))], 2)
        more = self._random.choice(["", ' , "z": []'])
        return f'{self.space()}{{{self.space()}"a": 1,{self.space()}"mcpServers":{servers}{self.space()}{more}{self.space()}}}{self.space()}'


@pytest.mark.parametrize("seed", range(300))
def test_any_document_is_changed_by_its_entry_alone(seed: int) -> None:
    """Adding and taking out check themselves; here, that they never have to give up, and that comments stay."""
    before = JsonDocument(Maker(seed).document(), "f")
    table = before.meaning["mcpServers"]
    assert isinstance(table, dict)
    added = before.added(("mcpServers",), "mpp", {"command": "x", "args": ["a"]})
    assert added.meaning == {**before.meaning, "mcpServers": {**table, "mpp": {"command": "x", "args": ["a"]}}}
    back = added.removed({("mcpServers",): frozenset(("mpp",))})
    assert back.meaning == before.meaning
    assert "".join(back.text.split()) == "".join(before.text.split())
    for names in (frozenset(table), frozenset(sorted(table)[:1]), frozenset(sorted(table)[1:])):
        less = before.removed({("mcpServers",): names})
        assert less.meaning["mcpServers"] == {name: item for name, item in table.items() if name not in names}
        assert less.added(("mcpServers",), "mpp", {}).meaning["z" if "z" in before.meaning else "a"] == before.meaning["z" if "z" in before.meaning else "a"]
