"""The questions of a tool, read as hostile: of a person, of the caller's model, of its folders. Spec: call-contract C-40 to C-43.

None of them is an approval, whatever it says, and none is put to anybody by the tool itself: the caller decides whom it asks.
"""

from __future__ import annotations

import json

from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.model.toolschema import read_schema
from mpp.model.value import value
from mpp.stages.sandbox.contract.content import note
from mpp.stages.sandbox.contract.limits import (
    QUESTION_FORM_MAX,
    QUESTION_TEXT_MAX,
    QUESTIONS_MAX,
    SAMPLING_MESSAGES_MAX,
    SAMPLING_TEXT_MAX,
    SAMPLING_TOKENS_MAX,
    WORD_MAX,
)

ELICIT = "elicitation/create"
SAMPLE = "sampling/createMessage"
ROOTS = "roots/list"
METHODS = (ELICIT, SAMPLE, ROOTS)
"""What a tool may ask: a person, the caller's model, which folders it works in."""


@value
class Question:
    """One thing that a tool wants to know."""

    id: str
    method: str
    params: bytes
    """JSON of the question, judged; nothing stands in it that this version does not know."""

    def to_json(self) -> dict[str, Json]:
        return {"method": self.method, "params": json.loads(self.params)}


@value
class InputRequired:
    """A tool's own questions. They are never approvals, whatever they say."""

    questions: tuple[Question, ...]

    def to_json(self) -> dict[str, Json]:
        asked: dict[str, Json] = {one.id: one.to_json() for one in self.questions}
        return {"resultType": "input_required", "inputRequests": asked}


def read_questions(result: Fields) -> InputRequired:
    """The questions of a result whose ``resultType`` says that there are some; what is wrong is noted."""
    asked = result.object("inputRequests")
    if asked is None:
        return InputRequired(questions=())
    if not 0 < len(asked.found) <= QUESTIONS_MAX:
        note(result.faults, asked.where, f"must have 1 to {QUESTIONS_MAX} questions, has {len(asked.found)}", "ask less at once")
    return InputRequired(questions=tuple(_question(asked, name) for name in list(asked.found)[:QUESTIONS_MAX]))


def _question(asked: Fields, name: str) -> Question:
    request = asked.object(name)
    if not name or len(name) > WORD_MAX or not name.isprintable():
        note(asked.faults, asked.path(name), f"the name of a question has 1 to {WORD_MAX} printable characters", "choose another name")
    if request is None:  # it is there: its name was read from the same object
        return Question(id=name, method=ELICIT, params=b"{}")
    method = request.one_of("method", METHODS)
    params = request.object("params", required=method != ROOTS)
    request.end()
    read = {ELICIT: _elicit, SAMPLE: _sample}.get(method, _nothing)
    judged = {} if params is None else read(params)
    if params is not None:
        params.end()
    return Question(id=name, method=method, params=json.dumps(judged, separators=(",", ":"), ensure_ascii=False).encode("utf-8"))


def _elicit(params: Fields) -> dict[str, Json]:
    message = params.text("message", most=QUESTION_TEXT_MAX)
    return {"message": message, "requestedSchema": _form(params)}


def _form(params: Fields) -> Json:
    found = params.raw("requestedSchema")
    faults = Faults("tool")
    form = read_schema(found, params.path("requestedSchema"), faults, needs_object=True) if params.has("requestedSchema") else b"{}"
    if faults.found:
        note(params.faults, faults.found[0].where, faults.found[0].message, faults.found[0].hint)
    elif len(form) > QUESTION_FORM_MAX:
        note(params.faults, params.path("requestedSchema"), f"must have at most {QUESTION_FORM_MAX} bytes", "ask for less at once")
    shown: Json = json.loads(form)
    return shown


def _sample(params: Fields) -> dict[str, Json]:
    """Attack: a tool that asks for the context of other servers with its question. There is no such key here."""
    messages: list[Json] = [*params.each("messages", lambda item, where: _message(item, where, params), most=SAMPLING_MESSAGES_MAX, required=True, least=1)]
    out: dict[str, Json] = {"messages": messages, "maxTokens": params.number("maxTokens", least=1, most=SAMPLING_TOKENS_MAX)}
    if params.has("systemPrompt"):
        out["systemPrompt"] = _words(params, "systemPrompt")
    return out


def _message(item: Json, where: str, params: Fields) -> Json:
    message = Fields(item, where, params.faults)
    role = message.one_of("role", ("user", "assistant"))
    content = message.object("content")
    message.end()
    text = ""
    if content is not None:
        content.one_of("type", ("text",))
        text = _words(content, "text")
        content.end()
    return {"role": role, "content": {"type": "text", "text": text}}


def _words(fields: Fields, key: str) -> str:
    return fields.text(key, most=SAMPLING_TEXT_MAX)


def _nothing(_params: Fields) -> dict[str, Json]:
    return {}
