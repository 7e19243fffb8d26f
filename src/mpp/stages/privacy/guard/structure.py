"""Words that do not fit what a package declares: files, commands, mail, addresses, secrets, other tools, the conversation itself. Spec: F-81 to F-83."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mpp.model.capabilities import Capabilities
from mpp.stages.privacy.guard.hits import DOUBTS, Finding, Hit
from mpp.stages.privacy.guard.names import words_of
from mpp.stages.privacy.guard.texts import NAME, PROSE, TITLE, Described, Text
from mpp.stages.privacy.guard.words import spaced


class _Speaks(NamedTuple):
    """What a text speaks of, and whether the package declares it."""

    label: str
    says: str
    pattern: re.Pattern[str]
    declared: Callable[[Capabilities], bool]


def _speaks(label: str, says: str, pattern: str, declared: Callable[[Capabilities], bool]) -> _Speaks:
    return _Speaks(label, says, re.compile(spaced(pattern), re.IGNORECASE), declared)


_TABLE = (
    _speaks(
        "files", "it speaks of files, and the package may read and write none",
        r"\b(?:read|write|open|delete|list|save|load|search|edit|create|access)\w*\b[^.\n]{0,40}\b(?:files?|director(?:y|ies)|folders?|filesystem|file system)\b|\b(?:the|a|local) files?\b",
        lambda found: bool(found.read or found.write),
    ),
    _speaks(
        "commands", "it speaks of commands of this machine, and no package can run any",
        r"\b(?:shell|terminal|bash|powershell|subprocess|command[- ]line)\b|\b(?:run|execute)s?\b[^.\n]{0,30}\bcommands?\b", lambda _: False,
    ),
    _speaks(
        "mail", "it speaks of sending messages, and the package may reach no host",
        r"\b(?:send|forward|deliver|compose|read|write)\w*\b[^.\n]{0,40}\b(?:e-?mails?|mail|sms|messages?)\b|\bbcc\b", lambda found: bool(found.network),
    ),
    _speaks(
        "network", "it speaks of addresses elsewhere, and the package may reach no host",
        r"https?://|\b(?:download|upload|fetch|request|crawl|scrape|quer(?:y|ies)|call)\w*\b[^.\n]{0,40}\b(?:urls?|web ?(?:sites?|pages?|hooks?)?|internet|apis?|servers?|endpoints?)\b",
        lambda found: bool(found.network),
    ),
    _speaks(
        "secrets", "it speaks of secrets, and the package declares none",
        r"\b(?:passwords?|credentials?|api[ _-]?keys?|access[ _-]tokens?|private[ _-]keys?|ssh[ _-]keys?|secrets?)\b", lambda found: bool(found.secrets or found.env_vars),
    ),
)  # fmt: skip

_HISTORY = frozenset((
    "all messages", "assistant notes", "available tools", "chain of thought", "chat context", "chat history", "chat log", "context", "context window",
    "conversation", "conversation context", "conversation history", "conversation log", "full context", "full conversation", "message history",
    "model context", "notes for assistant", "previous messages", "prior messages", "session context", "side note", "sidenote", "system context", "system message",
    "system prompt", "tool list", "tools list", "user context", "whole conversation",
))  # fmt: skip
"""Names of parameters that ask the model for more than a call needs, as words."""

_PARAMETER = re.compile(r"/properties/[^/]*\Z")
_IDENTIFIER = re.compile(r"[A-Za-z][\w.-]{3,}")


def doubts(found: Described, declared: Capabilities | None, others: frozenset[str]) -> Iterator[Hit]:
    """What does not fit. ``declared`` None: nobody says what the tool may do, so nothing can be compared."""
    seen: set[str] = set()
    for text in found.texts:
        for finding in _of_text(text, declared, others):
            # One place for each thing is enough to ask.
            if finding.kind not in seen or finding.kind == "conversation":
                seen.add(finding.kind)
                yield finding.placed(text.where, text.text)


def _of_text(text: Text, declared: Capabilities | None, others: frozenset[str]) -> Iterator[Finding]:
    if text.kind == NAME and _PARAMETER.search(text.where) and " ".join(words_of(text.text)) in _HISTORY:
        yield Finding("conversation", 0, len(text.text), "a parameter that asks for the conversation", DOUBTS, 2)
    if text.kind in {PROSE, TITLE}:
        if declared is not None:
            yield from _undeclared(text.text, declared)
        yield from _of_others(text.text, others)


def _undeclared(text: str, declared: Capabilities) -> Iterator[Finding]:
    for speaks in _TABLE:
        hit = None if speaks.declared(declared) else speaks.pattern.search(text)
        if hit is not None:
            yield Finding(speaks.label, hit.start(), len(hit[0]), speaks.says, DOUBTS, 1)


def _of_others(text: str, others: frozenset[str]) -> Iterator[Finding]:
    """Attack: a tool that tells the model how to use the tools of others. A name of one word, such as ``search``, may stand for the word."""
    for word in _IDENTIFIER.finditer(text) if others else ():
        if word[0].rstrip(".-") in others and len(words_of(word[0])) > 1:
            yield Finding("other tools", word.start(), len(word[0]), "it names a tool of another package", DOUBTS, 3)
