"""What an endpoint is given: one request whose parts have the form that the table says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl

from mpp.errors import Refused
from mpp.limits import JSON_INT_MAX
from mpp.model.fields import near
from mpp.model.jsontext import shown
from mpp.model.limits import NAME_MAX, PACKAGE_ID_MAX, VERSION_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM, VERSION, VERSION_FORM
from mpp.model.value import value
from mpp.protocol.registry.documents import CURSOR_CHARS_MAX, LOG_ITEMS_MAX, PAGE_ITEMS_MAX
from mpp_registry.api.limits import PAGE_ITEMS, QUERY_CHARS_MAX, SEARCH_CHARS_MAX
from mpp_registry.catalog.types import Viewer
from mpp_registry.publishing.actor import Actor
from mpp_registry.services import Services

_NO_CONTROL = re.compile(r"[^\x00-\x1f\x7f]*")
_DIGITS = re.compile(r"[0-9]{1,16}")
_QUERY_FIELDS_MAX = 20


@value
class Parameter:
    """One part of a path or a query: a text of a form, or a number within bounds."""

    name: str
    words: str
    most: int
    """Characters of a text, or the largest number."""
    least: int = 0
    is_number: bool = False
    pattern: re.Pattern[str] = _NO_CONTROL
    form: str = "a text without control characters"
    default: str = ""
    required: bool = False
    example: str = ""

    def fault(self, text: str) -> str:
        """What is wrong with ``text``; empty: nothing."""
        if self.is_number:
            is_right = _DIGITS.fullmatch(text) is not None and self.least <= int(text) <= self.most
            return "" if is_right else f"a number from {self.least} to {self.most}"
        is_right = len(text) <= self.most and self.pattern.fullmatch(text) is not None
        return "" if is_right else self.form + f" of at most {self.most} characters"


def number(name: str, words: str, *, least: int = 0, most: int = JSON_INT_MAX, default: str = "", required: bool = False) -> Parameter:
    return Parameter(name=name, words=words, least=least, most=most, is_number=True, default=default, required=required, example=str(least))


PACKAGE = Parameter(name="package_id", words="The package.", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM, example="com.example.hello")
VERSION_OF = Parameter(name="version", words="A version of it.", most=VERSION_MAX, pattern=VERSION, form=VERSION_FORM, example="1.0.0")
PUBLISHER = Parameter(name="publisher_id", words="The publisher.", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM, example="4e" * 32)
NAMESPACE = Parameter(name="namespace", words="The name space.", most=PACKAGE_ID_MAX, pattern=PACKAGE_ID, form="a reverse domain name", example="com.example")
STAGED = Parameter(
    name="staged_id", words="What was staged.", most=NAME_MAX, pattern=re.compile(r"[A-Za-z0-9_-]{1,64}"), form="an id as the registry gave it", example="1a2b"
)

CURSOR = Parameter(name="cursor", words="The `next` of the page before.", most=CURSOR_CHARS_MAX, pattern=re.compile(r"[A-Za-z0-9_=.~:-]*"), form="a cursor")
LIMIT = number("limit", "Items of a page.", least=1, most=PAGE_ITEMS_MAX, default=str(PAGE_ITEMS))
TEXT = Parameter(name="q", words="Words, or beginnings of words. None: the newest.", most=SEARCH_CHARS_MAX, example="hello")
START = number("start", "The first leaf.", default="0")
COUNT = number("count", "How many leaves at most.", least=1, most=LOG_ITEMS_MAX, default="100")


@value
class Ask:
    """One request. What stands in ``path`` and ``query`` has its form; ``body`` is whole and bounded."""

    services: Services
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    target: str
    """Path and query, as they were sent."""
    address: str
    body: bytes = b""
    actor: Actor | None = None
    is_admin: bool = False
    counted: Callable[[str], None]

    @property
    def viewer(self) -> Viewer:
        return Viewer(publisher_id="" if self.actor is None else self.actor.publisher_id, is_admin=self.is_admin)

    def count(self, name: str) -> int:
        return int(self.query[name])

    @property
    def package_id(self) -> str:
        return self.path["package_id"]

    @property
    def version(self) -> str:
        return self.path["version"]

    def need_actor(self) -> Actor:
        """Of an endpoint whose row says that who asks is known."""
        if self.actor is None:
            raise Refused("registry.unauthenticated", "who asks is not known", hint="sign the request, as `mpp` does by itself")
        return self.actor


def read_path(found: Mapping[str, str], parameters: Iterable[Parameter]) -> dict[str, str]:
    """Attack: a name that is none is looked up nowhere. It names nothing that is here."""
    for parameter in parameters:
        if parameter.fault(found[parameter.name]):
            raise not_found(f"{shown(found[parameter.name])!r} is not {parameter.form}")
    return {parameter.name: found[parameter.name] for parameter in parameters}


def not_found(message: str) -> Refused:
    return Refused("registry.absent", message, hint="look at its name with `mpp search`; a private package is shown to its owners only")


def read_query(text: str, parameters: tuple[Parameter, ...], *, passes_over: bool = False) -> dict[str, str]:
    """Each parameter once, in its form. Attack: of two with one name, a proxy in front takes one and this server the other."""
    if len(text) > QUERY_CHARS_MAX:
        raise _wrong(f"the query has more than {QUERY_CHARS_MAX} characters", "", "ask for less")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX, errors="strict")
    except ValueError:
        raise _wrong(f"the query is not UTF-8, or has more than {_QUERY_FIELDS_MAX} fields", "", "write it percent-encoded, in UTF-8") from None
    known = {parameter.name: parameter for parameter in parameters}
    found: dict[str, str] = {}
    for name, item in pairs:
        if name in known:
            _judge(known[name], item, is_twice=name in found)
            found[name] = item
        elif not passes_over:
            raise _wrong(f"there is no parameter {shown(name)!r} here", "", near(name, known) or "known here: " + (", ".join(known) or "none"))
    for parameter in parameters:
        if parameter.required and parameter.name not in found:
            raise _wrong(f"the parameter {parameter.name!r} is missing", parameter.name, f"add {parameter.name}=")
    return {name: found.get(name, parameter.default) for name, parameter in known.items()}


def _judge(parameter: Parameter, item: str, *, is_twice: bool) -> None:
    if is_twice:
        raise _wrong(f"{shown(parameter.name)!r} stands twice", parameter.name, "give it once")
    fault = parameter.fault(item)
    if fault:
        raise _wrong(f"{shown(item)!r} is not {fault}", parameter.name, f"write {fault}")


def _wrong(message: str, name: str, hint: str) -> Refused:
    return Refused("registry.parameter", message, where=f"?{name}" if name else "query", hint=hint)
