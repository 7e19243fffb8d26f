"""What prompts and resources have in common: names, addresses, media types, files, placeholders. Spec: static-content X-3 to X-8."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mpp.host.static.limits import (
    ADDRESS_CHARS_MAX,
    DESCRIPTION_CHARS_MAX,
    FILE_BYTES_MAX,
    FILLED_CHARS_MAX,
    LABEL_CHARS_MAX,
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
    VALUE_CHARS_MAX,
    VALUES_MAX,
)
from mpp.errors import Refused
from mpp.model.fields import Fields
from mpp.model.jsontext import Json
from mpp.model.value import value

FOLDER = "mcp/"
"""Where all of it stands in a package."""

NAME = re.compile(r"[A-Za-z0-9_.-]+")
ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{1,31}):[!#-;=?-Z\[\]_a-z~]+")
_MIME_WORD = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"
MIME = re.compile(rf"{_MIME_WORD}/{_MIME_WORD}(?:; ?{_MIME_WORD}={_MIME_WORD})*")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")

NEVER_SCHEMES = frozenset(("http", "https", "file", "data", "javascript", "mpp"))
"""Attack: a package that answers under the address of a web page, of a file of this machine, or of the host itself."""

Sizes = Callable[[str], int | None]
"""The size of a member of the package; None if there is none."""


@value
class Body:
    """A text, or a file of the package."""

    mime: str
    text: str = ""
    file: str = ""
    """The name of the member; empty if there is a text."""


def read_body(fields: Fields, sizes: Sizes, *, mime: str = "") -> Body:
    """Exactly one of ``text`` and ``file``. Spec: static-content X-5."""
    kind = fields.text("mimeType", most=NAME_CHARS_MAX * 2, default=mime or None, pattern=MIME, form="a media type such as text/plain")
    if fields.has("text") == fields.has("file"):
        fields.faults.add("missing", fields.where, "must have either 'text' or 'file'", "give one of the two")
    text = fields.text("text", most=TEXT_CHARS_MAX, default="", least=0)
    return Body(mime=kind, text=text, file=_file(fields, sizes) if fields.has("file") else "")


def read_file(fields: Fields, sizes: Sizes) -> Body:
    """A file alone: a picture or a sound."""
    kind = fields.text("mimeType", most=NAME_CHARS_MAX * 2, pattern=MIME, form="a media type such as image/png")
    return Body(mime=kind, file=_file(fields, sizes))


def _file(fields: Fields, sizes: Sizes) -> str:
    """Attack: a list that shows an agent other members: the code, the seal. Only what was put into this folder is meant to be shown."""
    name = fields.text("file", most=ADDRESS_CHARS_MAX)
    size = sizes(name) if name.startswith(FOLDER) else None
    if name and size is None:
        fields.faults.add("missing", fields.path("file"), f"there is no such file below {FOLDER} in the package", f"put it below {FOLDER} and name it whole")
    elif size is not None and size > FILE_BYTES_MAX:
        fields.faults.add("length", fields.path("file"), f"has {size} bytes; at most {FILE_BYTES_MAX}", "make the file smaller")
    return name


def read_labels(fields: Fields) -> tuple[str, str, str]:
    """Name, title, description."""
    return (
        fields.text("name", most=NAME_CHARS_MAX, pattern=NAME, form="a name of letters, digits, '_', '.' and '-'"),
        fields.text("title", most=LABEL_CHARS_MAX, default=""),
        fields.text("description", most=DESCRIPTION_CHARS_MAX),
    )


def read_values(fields: Fields, key: str) -> tuple[str, ...]:
    return fields.texts(key, most=VALUES_MAX, each_most=VALUE_CHARS_MAX)


def labelled(name: str, title: str, description: str, mime: str = "") -> dict[str, Json]:
    """The words of an entry of a list, as the Model Context Protocol names them."""
    more = {"title": title, "description": description, "mimeType": mime}
    return {"name": name, **{key: words for key, words in more.items() if words}}


def address_fault(address: str) -> str:
    """What is wrong with the address of a resource, or nothing. Spec: static-content X-4."""
    found = ADDRESS.fullmatch(address)
    if found is None or len(address) > ADDRESS_CHARS_MAX:
        return f"is no address such as notes://today, of at most {ADDRESS_CHARS_MAX} characters"
    return f"must not begin with {found[1]}:, which is not the package's to give" if found[1] in NEVER_SCHEMES else ""


class Filler:
    """Puts values in the place of ``{name}``, once and in one pass, and counts what comes of it. Spec: static-content X-7.

    Attack: a value that holds a placeholder itself. What was put in is not looked at again.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values, self._room = values, FILLED_CHARS_MAX

    def __call__(self, text: str) -> str:
        # Attack: thousands of placeholders and one long value. The size is known before anything is put together.
        self._room -= len(text) + sum(len(self._values.get(found[1], "")) for found in _PLACEHOLDER.finditer(text))
        if self._room < 0:
            raise Refused("call.size", f"it would have more than {FILLED_CHARS_MAX} characters", where="arguments", hint="give shorter values")
        return _PLACEHOLDER.sub(lambda found: self._values.get(found[1], found[0]), text)


def placeholders(text: str) -> frozenset[str]:
    return frozenset(found[1] for found in _PLACEHOLDER.finditer(text))
