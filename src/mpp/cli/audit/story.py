"""The story of one call out of its entries: each sentence with the entry that says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mpp.cli.audit.entry_text import cut
from mpp.model.jsontext import Json
from mpp.stages.audit import Line, dict_of, text_of, texts_of, told_of

LIST_SHOWN = 8
"""Names of a list in one sentence. Reason: the entry itself has all."""


WENT_IN = "went in"
WHO_ASKED, ON_BEHALF = "who asked", "on behalf of"


class Said(NamedTuple):
    topic: str
    words: str
    entry: int


def story_of(lines: Iterable[Line]) -> list[Said]:
    found = [Said(topic, words, line.seq) for line in lines if line.kind in _TELLERS for topic, words in _TELLERS[line.kind](line) if words]
    # A decision and the run after it commit to the same arguments, each with its own salt: the run counts.
    last = max((one.entry for one in found if one.topic == WENT_IN), default=0)
    # Several entries of a call say who asked; the first does here.
    first = {topic: min((one.entry for one in found if one.topic == topic), default=0) for topic in (WHO_ASKED, ON_BEHALF)}
    return [one for one in found if (one.topic != WENT_IN or one.entry == last) and one.entry == first.get(one.topic, one.entry)]


def story_rows(story: list[Said]) -> list[tuple[str, ...]]:
    return [(one.topic, one.words, f"[entry {one.entry}]") for one in story]


def story_json(story: list[Said]) -> list[Json]:
    return [{"topic": one.topic, "words": one.words, "entry": one.entry} for one in story]


Sentences = list[tuple[str, str]]


def _agent(line: Line) -> Sentences:
    behind = [text_of(one, "name") for one in map(dict_of, _items(line.body, "behalf"))]
    proof = f"agent {told_of(line).agent or '(no name)'}, {text_of(line.body, 'proof') or 'anonymous'}"
    return [(WHO_ASKED, proof), (ON_BEHALF, ", ".join(map(cut, filter(None, behind))))]


def _named(line: Line) -> Sentences:
    """Who asked, as an entry says that is not about the agent alone; nothing where nobody was named."""
    agent = dict_of(line.body, "agent") or dict_of(dict_of(line.body, "facts"), "agent")
    name, proof = text_of(agent, "name"), text_of(agent, "proof") or text_of(agent, "level")
    behind = [text_of(one, "name") for one in map(dict_of, _items(agent, "behalf"))]
    return [(WHO_ASKED, f"agent {cut(name)}, {proof}" if name else ""), (ON_BEHALF, ", ".join(map(cut, filter(None, behind))))]


def _decision(line: Line) -> Sentences:
    said, facts = told_of(line), dict_of(line.body, "facts")
    version = text_of(facts, "version")
    return [
        *_named(line),
        ("user", ", ".join(said.users)),
        ("package", f"{said.package} {version}, tool {said.tool}"),
        ("publisher", f"{text_of(facts, 'publisher_name')}, id {said.publisher}"),
        ("exact bytes", said.content),
        ("declared", _scope(dict_of(facts, "scope"))),
        ("decided", f"{said.effect} by {', '.join(said.rules) or 'no rule'}, risk {said.risk if said.risk is not None else 'unknown'}"),
        *_commits(line),
    ]


def _scope(scope: dict[str, Json]) -> str:
    """What the package may touch, by the names of its public manifest."""
    parts = []
    for key, item in scope.items():
        names = [str(one) if isinstance(one, (str, int)) else "…" for one in item] if isinstance(item, list) else [str(item)] if item else []
        if names:
            more = f" and {len(names) - LIST_SHOWN} more" if len(names) > LIST_SHOWN else ""
            parts.append(f"{key}: {', '.join(map(cut, names[:LIST_SHOWN]))}{more}")
    return "; ".join(parts)


def _token(line: Line) -> Sentences:
    opens = ", ".join(f"{key} {item}" for key, item in dict_of(line.body, "opens").items())
    return [(line.kind.removeprefix("token-"), opens or "nothing beyond the tool itself")]


def _question(line: Line) -> Sentences:
    return [("asked", f"a person, because of {cut(text_of(line.body, 'rule')) or 'a rule'}; needs {text_of(line.body, 'strength') or 'any answer'}")]


def _answer(line: Line) -> Sentences:
    said = told_of(line)
    return [("answered", f"{said.effect} by {', '.join(said.approvers)}, {text_of(line.body, 'amr')}")]


def _spent(line: Line) -> Sentences:
    return [("approved by", f"{', '.join(told_of(line).approvers)}, {text_of(line.body, 'amr')}; used up by this call")]


def _intent(line: Line) -> Sentences:
    said = told_of(line)
    return [*_named(line), ("ran", f"{said.package}/{said.tool}, because of {text_of(line.body, 'because') or 'nothing that is named'}"), *_commits(line)]


def _result(line: Line) -> Sentences:
    body = line.body
    used = [f"{key.replace('_', ' ')}: {', '.join(texts_of(body, key)[:LIST_SHOWN])}" for key in ("hosts", "secrets", "secrets_echoed") if texts_of(body, key)]
    used += [f"stored state: {key} {item}" for key, item in dict_of(body, "kv").items()]
    used += [f"{key.replace('_', ' ')}: {body[key]}" for key in ("files_read", "files_written", "host_calls") if body.get(key)]
    return [("used", "; ".join(used) or "nothing of this machine"), ("ended", told_of(line).outcome), *_commits(line)]


def _end(line: Line) -> Sentences:
    said = told_of(line)
    return [(line.kind, said.outcome or said.code or said.effect or "yes")]


def _refused(line: Line) -> Sentences:
    said = told_of(line)
    return [*_named(line), ("user", ", ".join(said.users)), ("refused", f"{said.package}/{said.tool}: {said.code}")]


def _reveal(line: Line) -> Sentences:
    """Which placeholders a tool was told the values of."""
    rows = [row for row in _items(line.body, "revealed") if isinstance(row, dict)]
    return [("revealed", "; ".join(f"{row.get('type')} at {row.get('where')}" for row in rows))]


def _commits(line: Line) -> Sentences:
    words = {"in": WENT_IN, "out_raw": "came out", "out_shown": "was passed on"}
    return [(words[name], f"commitment {item}") for name, item in line.commit.items() if name in words and isinstance(item, str)]


def _items(body: dict[str, Json], key: str) -> list[Json]:
    found = body.get(key)
    return found[:LIST_SHOWN] if isinstance(found, list) else []


_TELLERS: dict[str, Callable[[Line], Sentences]] = {
    "agent": _agent, "decision": _decision, "token-granted": _token, "token-narrowed": _token, "question": _question, "answer": _answer,
    "approval-spent": _spent, "approval-refused": _end, "standing-used": _end, "reveal": _reveal, "intent": _intent, "result": _result, "receipt": _end, "refused": _refused,
    "interrupted": _end, "consent": _end,
}  # fmt: skip
