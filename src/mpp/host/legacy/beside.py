"""Prompts, resources and completions of older servers, for agents: found by name or address, done by the source. Spec: legacy V-60 to V-63."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mpp.host.legacy.deeds import Deed, of_completion, of_prompt, of_resource
from mpp.host.legacy.shelf import Item
from mpp.host.legacy.source import LegacySource
from mpp.host.sources.naming import SEPARATOR
from mpp.model.jsontext import Json
from mpp.protocol.mcp.ports import Caller


class Beside:
    """What older servers offer beside tools. Safe to use from many threads."""

    def __init__(self, source: LegacySource) -> None:
        self._source = source

    # -- prompts

    def prompts(self, taken: frozenset[str], *, plain: bool) -> tuple[dict[str, Json], ...]:
        """``taken``: names of prompts of packages, which no server gets. ``plain``: under its own name, where no other has it."""
        return tuple(item.listed("name") | {"name": name} for name, item in self._named(taken, plain=plain).items())

    def prompt(
        self, who: Caller, name: str, arguments: Mapping[str, str], inputs: Mapping[str, Json], taken: frozenset[str], *, plain: bool
    ) -> Mapping[str, Json] | None:  # fmt: skip
        """None where no server has it."""
        item = self._named(taken, plain=plain).get(name)
        if item is None:
            return None
        given: dict[str, Json] = {"name": item.own, "arguments": dict(arguments)}
        return self._source.do(item, of_prompt(item.own), who, given, inputs)

    def _named(self, taken: frozenset[str], *, plain: bool) -> dict[str, Item]:
        found = self._source.shelf().prompts
        # Attack: a prompt that calls itself as another one. Then each has its whole name, and a package's name is never a server's.
        counts = Counter((*(one.own for one in found), *(one.public for one in found), *taken, *(name.partition(SEPARATOR)[2] for name in taken)))
        names = {(one.own if plain and counts[one.own] == 1 else one.public): one for one in found}
        return {name: one for name, one in names.items() if name not in taken}

    # -- resources

    def resources(self, taken: frozenset[str]) -> tuple[dict[str, Json], ...]:
        """``taken``: addresses that packages gave."""
        return tuple(one.listed("uri") for one in self._source.shelf().resources if one.public not in taken)

    def templates(self, taken: frozenset[str]) -> tuple[dict[str, Json], ...]:
        return tuple(one.listed("uriTemplate") for one in self._source.shelf().templates if one.public not in taken)

    def read(self, who: Caller, uri: str) -> Mapping[str, Json] | None:
        """None where no server has it. Nothing that is a package's comes here."""
        found = self._source.shelf().resource(uri)
        if found is None:
            return None
        item, own = found
        answer = self._source.do(item, of_resource(item.pin.name, own, uri), who, {"uri": own}, {})
        contents = answer["contents"]
        # The protocol has no place for labels of the whole: each part says whose it is.
        labelled: list[Json] = [{**one, "_meta": item.labels} for one in contents if isinstance(one, dict)] if isinstance(contents, list) else []
        return {**answer, "contents": labelled}

    def follow(self, who: Caller, uri: str) -> None:
        """Of what is listed alone."""
        for one in self._source.shelf().resources:
            if one.public == uri:
                self._source.follow(one, who)

    # -- completion

    def complete(self, who: Caller, ref: Mapping[str, Json], argument: str, text: str, taken: frozenset[str], *, plain: bool) -> Sequence[str] | None:
        """None where no server has what is to be completed."""
        shelf, is_prompt = self._source.shelf(), ref.get("type") == "ref/prompt"
        item = self._named(taken, plain=plain).get(str(ref.get("name"))) if is_prompt else shelf.template(str(ref.get("uri")))
        if item is None:
            return None
        about: dict[str, Json] = {"type": "ref/prompt", "name": item.own} if is_prompt else {"type": "ref/resource", "uri": item.own}
        deed: Deed = of_completion(item.pin.name)
        found = self._source.do(item, deed, who, {"ref": about, "argument": {"name": argument, "value": text}}, {}).get("values")
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []
