"""``mcp/prompts.json``: prompts that a package ships, read strictly, and filled in. Spec: static-content X-10 to X-17."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.host.static.limits import (
    ADDRESS_CHARS_MAX,
    ARGUMENT_CHARS_MAX,
    ARGUMENTS_MAX,
    DESCRIPTION_CHARS_MAX,
    MESSAGES_MAX,
    NAME_CHARS_MAX,
    PROMPTS_MAX,
    QUESTION_CHARS_MAX,
    TEXT_CHARS_MAX,
)
from mpp.host.static.words import address_fault, ARGUMENT, Body, Filler, labelled, placeholders, read_body, read_file, read_labels, read_values, Sizes
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

Read = Callable[[str], bytes]
"""The bytes of a member of the package."""


@value
class Argument:
    """One thing that a prompt is filled with."""

    name: str
    description: str
    required: bool
    ask: str
    """What a person is asked if nobody gave it; empty: nobody is."""
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {"name": self.name, "description": self.description, "required": self.required}


@value
class Words:
    text: str


@value
class Media:
    kind: str
    """``image`` or ``audio``."""
    body: Body


@value
class Resource:
    uri: str
    body: Body


Part: TypeAlias = Words | Media | Resource


@value
class Message:
    role: str
    part: Part


@value
class Prompt:
    """One prompt with everything that it is made of."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    messages: tuple[Message, ...]

    def to_json(self) -> dict[str, Json]:
        """An entry of ``prompts/list``."""
        found = labelled(self.name, self.title, self.description)
        if self.arguments:
            found["arguments"] = [one.to_json() for one in self.arguments]
        return found

    def texts(self) -> tuple[str, ...]:
        """What a model reads once the prompt is taken."""
        return tuple(text for one in self.messages for text in _texts(one.part))

    def files(self) -> tuple[str, ...]:
        """The members of the package that it shows."""
        bodies = (one.part.body for one in self.messages if not isinstance(one.part, Words))
        return tuple(body.file for body in bodies if body.file)


def read_prompts(found: Json, sizes: Sizes) -> tuple[Prompt, ...]:
    """The prompts in the order of their names; Refused with every fault and its place."""
    faults = Faults("manifest")
    top = Fields(found, "mcp/prompts.json", faults)
    top.number("version", least=1, most=1)
    prompts = top.each("prompts", lambda item, where: _prompt(Fields(item, where, faults), sizes), most=PROMPTS_MAX, required=True)
    top.end()
    unique(faults, top.path("prompts"), [one.name for one in prompts])
    faults.stop()
    return tuple(sorted(prompts, key=lambda one: one.name))


def unique(faults: Faults, where: str, names: list[str]) -> None:
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        faults.add("duplicate", where, f"{shown(twice[0])!r} stands twice", "keep one of them")


def _prompt(fields: Fields, sizes: Sizes) -> Prompt:
    name, title, description = read_labels(fields)
    faults = fields.faults
    arguments = fields.each("arguments", lambda item, where: _argument(Fields(item, where, faults)), most=ARGUMENTS_MAX)
    messages = fields.each("messages", lambda item, where: _message(Fields(item, where, faults), sizes), most=MESSAGES_MAX, required=True, least=1)
    fields.end()
    unique(faults, fields.path("arguments"), [one.name for one in arguments])
    prompt = Prompt(name=name, title=title, description=description, arguments=arguments, messages=messages)
    unused = sorted({one.name for one in arguments} - {name for text in prompt.texts() for name in placeholders(text)})
    if unused:
        faults.add("form", fields.path("arguments"), f"no message has {{{unused[0]}}}", "use it, or leave the argument out")
    return prompt


def _argument(fields: Fields) -> Argument:
    found = Argument(
        name=fields.text("name", most=NAME_CHARS_MAX, pattern=ARGUMENT, form="a name of letters, digits and '_'"),
        description=fields.text("description", most=DESCRIPTION_CHARS_MAX),
        required=fields.flag("required", default=False),
        ask=fields.text("ask", most=QUESTION_CHARS_MAX, default=""),
        values=read_values(fields, "values"),
    )
    fields.end()
    return found


def _message(fields: Fields, sizes: Sizes) -> Message:
    role = fields.one_of("role", ("user", "assistant"))
    content = fields.object("content")
    fields.end()
    if content is None:
        return Message(role=role, part=Words(text=""))
    kind = content.one_of("type", ("text", "image", "audio", "resource"))
    part: Part
    if kind == "resource":
        part = _resource(content, sizes)
    elif kind in {"image", "audio"}:
        part = _media(content, kind, sizes)
    else:
        part = Words(text=content.text("text", most=TEXT_CHARS_MAX))
    content.end()
    return Message(role=role, part=part)


def _media(content: Fields, kind: str, sizes: Sizes) -> Media:
    body = read_file(content, sizes)
    if body.mime and not body.mime.startswith(kind + "/"):
        content.faults.add("form", content.path("mimeType"), f"must begin with {kind}/", f"name the kind of {kind}")
    return Media(kind=kind, body=body)


def _resource(content: Fields, sizes: Sizes) -> Resource:
    inner = content.object("resource")
    if inner is None:
        return Resource(uri="", body=Body(mime=""))
    uri = inner.text("uri", most=ADDRESS_CHARS_MAX)
    found = Resource(uri=uri, body=read_body(inner, sizes))
    inner.end()
    # An address with a placeholder is judged when it is filled in.
    if uri and not placeholders(uri) and address_fault(uri):
        inner.faults.add("form", inner.path("uri"), address_fault(uri), "choose a scheme of your own")
    return found


# -- filling in


def fill(prompt: Prompt, given: Mapping[str, str], inputs: Mapping[str, Json], read: Read) -> dict[str, Json]:
    """A GetPromptResult; or the questions to a person, where an argument is missing that may be asked for."""
    values = {**_answers(prompt, inputs), **_given(prompt, given)}
    missing = [one for one in prompt.arguments if one.name not in values and (one.ask or one.required)]
    unasked = next((one for one in missing if not one.ask), None)
    if unasked is not None:
        raise Refused("call.arguments", f"the argument {unasked.name!r} is missing", where="arguments", hint="prompts/list names those that are required")
    if missing:
        return {"resultType": "input_required", "inputRequests": {one.name: _question(one) for one in missing}}
    filler = Filler({one.name: values.get(one.name, "") for one in prompt.arguments})
    messages: list[Json] = [{"role": one.role, "content": _shown(one.part, filler, read)} for one in prompt.messages]
    return {"description": prompt.description, "messages": messages}


def _given(prompt: Prompt, given: Mapping[str, str]) -> dict[str, str]:
    names = {one.name for one in prompt.arguments}
    for name, text in given.items():
        if name not in names:
            raise Refused("call.arguments", f"the prompt has no argument {shown(name, 80)!r}", where="arguments", hint="prompts/list names those that it has")
        if len(text) > ARGUMENT_CHARS_MAX:
            message = f"the argument {name!r} has more than {ARGUMENT_CHARS_MAX} characters"
            raise Refused("call.size", message, where="arguments", hint="give a shorter value")
    return dict(given)


def _answers(prompt: Prompt, inputs: Mapping[str, Json]) -> dict[str, str]:
    """What a person answered. Answers to questions that were never put are passed over."""
    found: dict[str, str] = {}
    for one in prompt.arguments:
        answer = inputs.get(one.name) if one.ask else None
        if not isinstance(answer, dict):
            continue
        if answer.get("action") != "accept":
            raise Refused("call.arguments", f"nobody answered what {one.name!r} is", where="arguments", hint="give it as an argument")
        content = answer.get("content")
        text = content.get(one.name) if isinstance(content, dict) else None
        if isinstance(text, str) and len(text) <= ARGUMENT_CHARS_MAX:
            found[one.name] = text
    return found


def _question(one: Argument) -> Json:
    field: dict[str, Json] = {"type": "string", "description": one.description}
    if one.values:
        field["enum"] = [*one.values]
    form: Json = {"type": "object", "properties": {one.name: field}, "required": [one.name]}
    return {"method": "elicitation/create", "params": {"message": one.ask, "requestedSchema": form}}


def _texts(part: Part) -> tuple[str, ...]:
    if isinstance(part, Words):
        return (part.text,)
    return (part.uri, part.body.text) if isinstance(part, Resource) else ()


def _shown(part: Part, filler: Filler, read: Read) -> Json:
    if isinstance(part, Words):
        return {"type": "text", "text": filler(part.text)}
    if isinstance(part, Media):
        return {"type": part.kind, "data": base64text.encode(read(part.body.file)), "mimeType": part.body.mime}
    uri = filler(part.uri)
    if address_fault(uri):
        raise Refused("call.arguments", f"with these values the address of a resource {address_fault(uri)}", where="arguments", hint="give other values")
    return {"type": "resource", "resource": contents(uri, part.body, filler, read)}


def contents(uri: str, body: Body, filler: Filler, read: Read) -> dict[str, Json]:
    """A resource as MCP shows it: a text, or the bytes of a file; a file of text is a text."""
    found: dict[str, Json] = {"uri": uri, "mimeType": body.mime}
    if not body.file:
        return {**found, "text": filler(body.text)}
    data = read(body.file)
    if body.mime.startswith("text/") or body.mime == "application/json":
        try:
            return {**found, "text": data.decode("utf-8")}
        except UnicodeDecodeError:
            pass  # it says that it is a text, and is none: its bytes are shown
    return {**found, "blob": base64text.encode(data)}
