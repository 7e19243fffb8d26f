"""JSON as people write it, with comments and trailing commas, read into a tree that knows where everything stands.

An edit by place leaves all other bytes as they were. Only what all clients read alike is taken: other extensions are refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import field

from mpp.errors import Refused
from mpp.host.clients.limits import CONFIG_DEPTH_MAX, CONFIG_VALUES_MAX
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*"'
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})|(?P<mark>[{{}}\[\]:,])|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?![\w.+-])|(?P<word>true|false|null)\b"
)
TRIVIA = re.compile(r"(?:[ \t\r\n]++|//[^\r\n]*+(?=\r?\n|\Z)|/\*[^*]*+(?:\*(?!/)[^*]*+)*\*/)*")
"""White space and comments. Attack: a comment that ends at a lone carriage return for one reader and goes on for another is none."""


@value
class Node:
    """One value: where it stands in the text, and what is in it."""

    kind: str
    """``object``, ``array``, ``string``, ``number`` or ``word``."""
    start: int
    end: int
    members: tuple[Member, ...] = ()
    items: tuple[Node, ...] = ()


@value
class Member:
    """One ``"key": value`` of an object."""

    key: str
    start: int
    node: Node
    comma: int = field(default=-1)
    """Where its comma stands; -1 if it has none."""


class Tree:
    """A document that was read whole."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where
        self.root = _Reader(text, where).document()

    def member(self, node: Node, key: str) -> Member | None:
        """The member of the name; ``json`` has refused a document in which there are two."""
        return next((one for one in node.members if one.key == key), None)

    def _check_unique(self, node: Node) -> None:
        """Attack: a key that stands twice; the client could take the one that we did not look at."""
        seen: set[str] = set()
        for one in node.members:
            if one.key in seen:
                raise Refused(
                    "host.client_syntax", "an object has the same key twice", where=f"{self.place(one.start)}: {shown(one.key)}", hint="keep one of them"
                )
            seen.add(one.key)

    def at(self, *path: str) -> Node | None:
        """The object at ``path``, None where it is not there. Something else than an object on the way is refused."""
        node = self._as_object(self.root)
        for key in path:
            found = self.member(node, key)
            if found is None:
                return None
            node = self._as_object(found.node)
        return node

    def _as_object(self, node: Node) -> Node:
        if node.kind != "object":
            raise Refused("host.client_form", "this must be an object", where=self.place(node.start), hint="write { ... }, or remove it")
        return node

    def json(self, node: Node) -> Json:
        """What ``node`` means."""
        if node.kind == "object":
            self._check_unique(node)
            return {one.key: self.json(one.node) for one in node.members}
        if node.kind == "array":
            return [self.json(one) for one in node.items]
        try:
            found: Json = json.loads(self.text[node.start : node.end])
        except ValueError:
            raise Refused("host.client_syntax", "a number is out of range", where=self.place(node.start), hint="write a smaller one") from None
        return found

    def place(self, at: int) -> str:
        return _place(self.text, at, self.where)


def _place(text: str, at: int, where: str) -> str:
    line = text.count("\n", 0, at) + 1
    return f"{where}: line {line}, column {at - text.rfind(chr(10), 0, at)}"


class _Reader:
    """One pass over a text."""

    def __init__(self, text: str, where: str) -> None:
        self._text, self._where = text, where
        self._at = self._values = 0

    def document(self) -> Node:
        self._skip()
        node = self._node(CONFIG_DEPTH_MAX)
        self._skip()
        if self._at != len(self._text):
            raise self._wrong("something stands after the end")
        return node

    def _skip(self) -> None:
        found = TRIVIA.match(self._text, self._at)
        self._at = found.end() if found else self._at

    def _wrong(self, message: str) -> Refused:
        return Refused("host.client_syntax", f"not JSON: {message}", where=_place(self._text, self._at, self._where), hint="mend the file at that place")

    def _token(self, expected: str) -> tuple[str, str, int]:
        """Its kind, its text and where it begins."""
        found = _TOKEN.match(self._text, self._at)
        if found is None or found.lastgroup is None:
            raise self._wrong(f"expected {expected}")
        start, self._at = self._at, found.end()
        return found.lastgroup, found[0], start

    def _node(self, depth: int) -> Node:
        self._values += 1
        if depth == 0 or self._values > CONFIG_VALUES_MAX:
            raise self._wrong(f"nested deeper than {CONFIG_DEPTH_MAX} levels" if depth == 0 else f"more than {CONFIG_VALUES_MAX} values")
        kind, text, start = self._token("a value")
        if text == "{":
            return self._object(start, depth - 1)
        if text == "[":
            return self._array(start, depth - 1)
        if kind == "mark":
            self._at = start
            raise self._wrong("expected a value")
        return Node(kind=kind, start=start, end=self._at)

    def _closed(self, mark: str) -> bool:
        self._skip()
        if self._text[self._at : self._at + 1] != mark:
            return False
        self._at += 1
        return True

    def _comma(self, close: str) -> int:
        """Where the comma stands after an item; -1 before the end."""
        self._skip()
        here = self._text[self._at : self._at + 1]
        if here == ",":
            self._at += 1
            return self._at - 1
        if here != close:
            raise self._wrong(f"expected a comma or {close!r}")
        return -1

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        while not self._closed("}"):
            kind, text, at = self._token("a name between quotation marks")
            if kind != "string":
                self._at = at
                raise self._wrong("expected a name between quotation marks")
            self._skip()
            if self._token("a colon")[1] != ":":
                self._at -= 1
                raise self._wrong("expected a colon")
            self._skip()
            node = self._node(depth)
            members.append(Member(key=json.loads(text), start=at, node=node, comma=self._comma("}")))
        return Node(kind="object", start=start, end=self._at, members=tuple(members))

    def _array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        while not self._closed("]"):
            items.append(self._node(depth))
            self._comma("]")
        return Node(kind="array", start=start, end=self._at, items=tuple(items))
