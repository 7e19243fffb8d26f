"""Markup that a reviewer does not see drawn and a model reads: comments, tags that pass for the system's, terminal codes, links that carry data. Spec: F-74, F-75."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpp.stages.privacy.guard.hits import ASKS, LINK, MARKUP, Finding

_COMMENT = re.compile(r"<!--(.{0,4000}?)(?:-->|\Z)|^[ \t]*\[[^\]\n]{1,40}\]:[ \t]*(?:#|<>)[ \t]*[(\"'](.{0,2000}?)[)\"']", re.DOTALL | re.MULTILINE)
COMMENT_WORDS_LEAST = 3
"""Words in a comment from which it is refused. Reason: a description may show what a comment looks like."""

_ALWAYS = (
    "important|hidden|instructions?|system[_ -]?(?:prompt|message|note|override|instructions?)|secret[_ -]?(?:instructions?|note)|directives?|override|admin[_ -]?\\w+|"
    "critical|mandatory|assistant[_ -]?(?:only|instructions?|note)|llm|ai[_ -]?(?:only|instructions?|note)|jailbreak"
)
_IN_PAIRS = "system|secret|admin|assistant|prompt|internal|note|user|human|private|confidential|rules?|policy|warning|attention|urgent"
_TAG = re.compile(rf"<\s*(?:{_ALWAYS})\s*/?>|<\s*({_IN_PAIRS})(?:\s[^<>\n]{{0,80}})?>(?=[^<]{{12,4000}}+<\s*/\s*\1\s*>)", re.IGNORECASE)
# What models are trained to take for the borders of a turn.
_TURN = re.compile(
    r"<\|[a-z_]{2,24}\|>|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:antml:)?(?:function_calls|invoke|tool_call|tool_use|tool_result|function_results)\b"
    r"|^[ \t]*(?:Human|Assistant|System|User)[ \t]*:[ \t]*\S|^#{2,4} ?(?:System|Instruction|Response)s?\b[^\n]{0,20}:",
    re.MULTILINE,
)
_STRONG_TURN = re.compile(r"[<\[]")
_UNSEEN = re.compile(
    r"<(script|style|iframe|object|embed|svg|template)\b(?:[^>\n]{0,200}\b(?:src|data|on[a-z]{3,20})\s*=|[^>\n]{0,200}>[^<]{8,4000}<\s*/\s*\1)|<[a-z]+\b[^>\n]{0,200}\b(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0|"
    r"color\s*:\s*(?:white|transparent|#fff)|hidden(?=[\s=>/]))|\\(?:text)?color\{white\}|\\phantom\{",
    re.IGNORECASE,
)
_TERMINAL = re.compile(r"(?:\\x1[bB]|\\0?33|\\u\{?0{0,2}1[bB]\}?|\\e|\^\[)\[[0-9;?]*[A-Za-z]|\x1b")
_PAIR = re.compile(r"<\s*([A-Z][A-Z_]{3,30})\s*>[^<]{20,}<\s*/\s*\1\s*>")

_ADDRESS = r"(?:(?:https?|ftp|wss?):)?//"
_CARRIES = re.compile(
    r"[?&][\w.-]{1,40}=(?:[\s)\"'<>\]]|$|[{<\[$%]|[A-Z_]{4,}\b|\.\.\.|…|(?:your|the|all|user|data|secret|content|conversation)\b)", re.IGNORECASE
)
_LINKED = re.compile(
    # Attack: a thousand beginnings of links, each read to the end. What has been taken is not given back.
    rf"(!?)\[[^\]\n]{{0,300}}+\]\(\s{{0,8}}+<?({_ADDRESS}[^)\n]{{3,1500}}+)\)|<(img)\b[^>]{{0,300}}?\bsrc\s*=\s*[\"']?({_ADDRESS}[^\s\"'<>]{{3,1500}}+)"
    r"|\]\(\s{0,8}+((?:javascript|data|vbscript):)",
    re.IGNORECASE,
)


def markup_findings(text: str) -> Iterator[Finding]:
    """Spec: F-74."""
    yield from _comments(text)
    for pattern, says in (
        (_TAG, "a tag that passes for words of the system"),
        (_UNSEEN, "markup that is not shown, or runs"),
        (_TERMINAL, "a code that a terminal acts on"),
    ):
        found = pattern.search(text)
        if found is not None:
            yield Finding(MARKUP, found.start(), len(found[0]), says)
    turn = _TURN.search(text)
    if turn is not None:
        is_sure = _STRONG_TURN.match(turn[0]) is not None
        yield Finding(
            MARKUP if is_sure else "border of a turn", turn.start(), len(turn[0]), "it passes for the border of a turn", *(() if is_sure else (ASKS, 3))
        )
    pair = _PAIR.search(text)
    if pair is not None:
        yield Finding("shouting tag", pair.start(), len(pair[0]), "a text between tags in capitals", ASKS, 2)


def _comments(text: str) -> Iterator[Finding]:
    for found in _COMMENT.finditer(text):
        words = (found[1] or found[2] or "").split()
        if len(words) >= COMMENT_WORDS_LEAST:
            yield Finding(MARKUP, found.start(), len(found[0]), "a comment, which is not shown where markup is drawn")
            return


def link_findings(text: str) -> Iterator[Finding]:
    """Attack: an image whose address carries what the model knows; whoever draws the answer sends it. Spec: F-75."""
    for found in _LINKED.finditer(text):
        if found[5]:
            yield Finding(LINK, found.start(), len(found[0]), "a link that runs code or carries a document")
            return
        address = (found[2] or found[4]) + " "
        if _CARRIES.search(address):
            yield Finding(LINK, found.start(), len(found[0]), "a link or an image whose address has room for data")
            return
        if found[1] or found[3]:
            yield Finding("image", found.start(), len(found[0]), "an image, which is fetched when it is drawn", ASKS, 2)
