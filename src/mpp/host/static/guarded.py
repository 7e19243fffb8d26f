"""What a model reads of static prompts and resources, as texts for the description guard. Spec: static-content X-9."""

from __future__ import annotations

from collections.abc import Iterator

from mpp.host.static.prompts import Prompt
from mpp.host.static.resources import Fixed, Resources, Template
from mpp.model.jsontext import Json
from mpp.stages.privacy.guard import Described, NAME, PROSE, Text, TITLE, VALUE


def described(prompts: tuple[Prompt, ...], resources: Resources) -> tuple[Described, ...]:
    """One for each entry, so that none hides behind the length of another."""
    asked = (_described(one.name, f"mcp/prompts.json/{one.name}", {**one.to_json(), "messages": [*one.texts()]}, _of_prompt(one)) for one in prompts)
    kept = (_described(one.name, f"mcp/resources.json/{one.name}", one.to_json(), _of_resource(one)) for one in resources.all())
    return (*asked, *kept)


def _described(name: str, base: str, document: dict[str, Json], texts: Iterator[tuple[str, str, str]]) -> Described:
    found = tuple(Text(f"{base}/{where}", kind, text) for where, kind, text in texts if text)
    return Described(tool=name, base=base, document=document, texts=found)


def _of_prompt(one: Prompt) -> Iterator[tuple[str, str, str]]:
    yield from (("name", NAME, one.name), ("title", TITLE, one.title), ("description", PROSE, one.description))
    for argument in one.arguments:
        here = f"arguments.{argument.name}"
        yield from ((here, NAME, argument.name), (here, PROSE, argument.description), (here, PROSE, argument.ask))
        yield from ((here, VALUE, each) for each in argument.values)
    yield from (("messages", PROSE, text) for text in one.texts())


def _of_resource(one: Fixed | Template) -> Iterator[tuple[str, str, str]]:
    yield from (("name", NAME, one.name), ("title", TITLE, one.title), ("description", PROSE, one.description), ("uri", VALUE, one.uri))
