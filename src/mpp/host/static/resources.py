"""``mcp/resources.json``: resources and templates that a package ships. Spec: static-content X-20 to X-26."""

from __future__ import annotations

import re

from mpp.host.static.limits import ADDRESS_CHARS_MAX, RESOURCES_MAX, TEMPLATES_MAX, VARIABLE_CHARS_MAX, VARIABLES_MAX
from mpp.host.static.prompts import contents, Read, unique
from mpp.host.static.words import address_fault, Body, Filler, labelled, placeholders, read_body, read_labels, read_values, Sizes
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json
from mpp.model.value import value

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_STANDS_FOR = rf"([A-Za-z0-9._~-]{{1,{VARIABLE_CHARS_MAX}}})"
"""What may stand in the place of a variable. Attack: a quote, which makes another document of a JSON text; a slash, which makes another address."""


@value
class Fixed:
    """A resource with one address."""

    uri: str
    name: str
    title: str
    description: str
    body: Body

    def to_json(self) -> dict[str, Json]:
        return {"uri": self.uri, **labelled(self.name, self.title, self.description, self.body.mime)}


@value
class Template:
    """A family of resources: the address says which."""

    uri: str
    name: str
    title: str
    description: str
    body: Body
    values: tuple[tuple[str, tuple[str, ...]], ...]
    """How its variables may be completed."""

    def to_json(self) -> dict[str, Json]:
        return {"uriTemplate": self.uri, **labelled(self.name, self.title, self.description, self.body.mime)}

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(found[1] for found in _VARIABLE.finditer(self.uri))

    def match(self, uri: str) -> dict[str, str] | None:
        """The values of the variables, if ``uri`` is one of the family."""
        literal = _VARIABLE.split(self.uri)[::2]
        found = re.fullmatch(_STANDS_FOR.join(re.escape(part) for part in literal), uri)
        return None if found is None else dict(zip(self.variables, found.groups(), strict=True))


@value
class Resources:
    fixed: tuple[Fixed, ...] = ()
    templates: tuple[Template, ...] = ()

    def all(self) -> tuple[Fixed | Template, ...]:
        return (*self.fixed, *self.templates)

    def read(self, uri: str, read: Read) -> list[Json] | None:
        """The contents of a resource; None if it is not one of these."""
        for one in self.fixed:
            if one.uri == uri:
                return [contents(uri, one.body, Filler({}), read)]
        for each in self.templates:
            values = each.match(uri)
            if values is not None:
                return [contents(uri, each.body, Filler(values), read)]
        return None


def read_resources(found: Json, sizes: Sizes) -> Resources:
    """The resources in the order of their addresses; Refused with every fault and its place."""
    faults = Faults("manifest")
    top = Fields(found, "mcp/resources.json", faults)
    top.number("version", least=1, most=1)
    fixed = top.each("resources", lambda item, where: _fixed(Fields(item, where, faults), sizes), most=RESOURCES_MAX)
    templates = top.each("templates", lambda item, where: _template(Fields(item, where, faults), sizes), most=TEMPLATES_MAX)
    top.end()
    unique(faults, top.where, [*(one.uri for one in fixed), *(one.uri for one in templates)])
    faults.stop()
    return Resources(fixed=tuple(sorted(fixed, key=lambda one: one.uri)), templates=tuple(sorted(templates, key=lambda one: one.uri)))


def _fixed(fields: Fields, sizes: Sizes) -> Fixed:
    uri = fields.text("uri", most=ADDRESS_CHARS_MAX)
    if uri and address_fault(uri):
        fields.faults.add("form", fields.path("uri"), address_fault(uri), "choose a scheme of your own")
    name, title, description = read_labels(fields)
    found = Fixed(uri=uri, name=name, title=title, description=description, body=read_body(fields, sizes))
    fields.end()
    return found


def _template(fields: Fields, sizes: Sizes) -> Template:
    uri = fields.text("uriTemplate", most=ADDRESS_CHARS_MAX)
    name, title, description = read_labels(fields)
    listed = fields.object("values", required=False)
    values = () if listed is None else tuple((key, read_values(listed, key)) for key in list(listed.found)[:VARIABLES_MAX])
    found = Template(uri=uri, name=name, title=title, description=description, body=read_body(fields, sizes), values=values)
    fields.end()
    wrong = _fault(found)
    if uri and wrong:
        fields.faults.add("form", fields.path("uriTemplate"), wrong, "write notes://{name}/text, each variable once, and nothing cleverer")
    if listed is not None:
        listed.end()
    return found


def _fault(one: Template) -> str:
    """Spec: static-content X-23. Two variables side by side could be told apart in many ways."""
    names = one.variables
    if not 1 <= len(names) <= VARIABLES_MAX or len(set(names)) != len(names):
        return f"must have 1 to {VARIABLES_MAX} different variables"
    if "}{" in one.uri or any(placeholders("{" + name + "}") != {name} for name in names):
        return "must have variables such as {name}, with something between two of them"
    if {name for name, _ in one.values} - set(names):
        return "has no variable for some of its values"
    if one.body.file:
        return "must have a text, not a file"
    return address_fault(_VARIABLE.sub("x", one.uri))
