"""One secret as it is stored: its name, what stands under it, and where that may go."""

from __future__ import annotations

import re

from mpp.crypto import base64text
from mpp.errors import Refused
from mpp.limits import KIB
from mpp.model.capabilities import NEVER_HEADER
from mpp.model.fields import Faults, Fields
from mpp.model.hosts import WEB_PORTS, WRITTEN_CHARS_MAX, read_host
from mpp.model.jsontext import Json, shown
from mpp.model.limits import ENV_NAME_MAX, NAME_MAX, PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.value import value

SECRET_BYTES_MAX = 8 * KIB
"""Bytes of one secret, or of the command that gives it. Reason: servers take headers of that size; a larger text is a document."""

SECRET_PACKAGES_MAX = 64
"""Packages that one secret is kept for. Reason: a person must be able to read all of them."""

TIME_MAX = 253402300799
"""Latest time of making: the end of year 9999, in seconds since 1970. Reason: dates beyond cannot be shown."""

KINDS = ("literal", "command")

_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_-]{{0,{ENV_NAME_MAX - 1}}}")
_HEADER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9-]{{0,{NAME_MAX - 1}}}")
# Attack: a line end in a header begins a header of the secret's own; spaces at the ends are cut off on the way.
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@value
class SecretEntry:
    """One name, with what is stored under it and where it may go. It never shows its value."""

    name: str
    value: str
    """The secret, or the words of the command that prints it."""
    kind: str
    host: str
    """``host``, or ``host:port`` where the port is not 443; empty for a variable of the environment."""
    header: str
    packages: tuple[str, ...]
    """Only these may have it; any package that a person consents to, if empty."""
    created: int

    def __repr__(self) -> str:
        """Attack: a value that stands in a log because somebody printed what held it."""
        return f"SecretEntry({self.name})"

    __str__ = __repr__


def make_entry(name: str, text: str, *, created: int, kind: str = "literal", host: str = "", header: str = "", packages: tuple[str, ...] = ()) -> SecretEntry:
    """A sound entry, or a refusal. No message holds the text."""
    check_name(name)
    if bool(host) != bool(header):
        raise Refused("secret.host", "a host and a header go together", where=name, hint="give both, or neither for a variable of the environment")
    if host:
        host = _host(host, name)
        check_header(header, name)
    for one in packages:
        if len(one) > PACKAGE_ID_MAX or PACKAGE_ID.fullmatch(one) is None:
            raise Refused("secret.package", f"{shown(one)!r} is not {PACKAGE_ID_FORM}", where=name, hint="write the id that `mpp inspect` shows")
    kept = tuple(sorted(set(packages)))
    if len(kept) > SECRET_PACKAGES_MAX:
        raise Refused("secret.package", f"more than {SECRET_PACKAGES_MAX} packages", where=name, hint="leave them out: each package needs a person's consent")
    check_value(text, name, for_header=bool(host) and kind == "literal")
    return SecretEntry(name=name, value=text, kind=kind, host=host, header=header, packages=kept, created=created)


def check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        # Attack on oneself: who writes NAME=VALUE would see the value in the answer.
        hint = "write a name such as CRM_TOKEN: letters, digits, '_' and '-'"
        raise Refused("secret.name", "this is not the name of a secret", hint=hint)


def _host(written: str, name: str) -> str:
    """Spec: spec/manifest.md M-60. Public hosts only, as in a manifest: with any other no manifest could match."""
    faults = Faults("secret")
    host, port = read_host(written, name, faults, wildcard=False, port=True)
    if faults.found:
        raise Refused("secret.host", faults.found[0].message, where=name, hint=faults.found[0].hint)
    return host if port in {0, WEB_PORTS["https"]} else f"{host}:{port}"


def check_header(header: str, name: str) -> None:
    if _HEADER.fullmatch(header) is None or NEVER_HEADER.fullmatch(header):
        raise Refused("secret.header", f"{shown(header)!r} is no header for a secret", where=name, hint="use Authorization or a header of the service's own")


def check_value(text: str, name: str, *, for_header: bool) -> None:
    """Refuse what cannot travel. The message says what is wrong, never with which character."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= SECRET_BYTES_MAX:
        raise Refused("secret.value", f"a secret is UTF-8 text of 1 to {SECRET_BYTES_MAX} bytes", where=name, hint="look at what was given")
    if "\0" in text:
        raise Refused("secret.value", "the secret holds the character 0", where=name, hint="look at what was given")
    if for_header and _HEADER_VALUE.fullmatch(text) is None:
        message = "a secret for a header is one line of printable ASCII without spaces at its ends"
        raise Refused("secret.value", message, where=name, hint="look at what was given: line ends in it, letters with accents")


def row(entry: SecretEntry) -> Json:
    # As base64: the reader bounds a document by its commas, and a secret may have thousands.
    text = base64text.encode(entry.value.encode("utf-8"))
    found: dict[str, Json] = {"name": entry.name, "kind": entry.kind, "text": text, "host": entry.host, "header": entry.header, "created": entry.created}
    return {**found, "packages": [*entry.packages]}


def read_row(fields: Fields) -> SecretEntry:
    text = base64text.decode(fields.text("text", most=2 * SECRET_BYTES_MAX)) or b""
    entry = make_entry(
        fields.text("name", most=ENV_NAME_MAX),
        text.decode("utf-8", "replace"),
        created=fields.number("created", least=0, most=TIME_MAX),
        kind=fields.one_of("kind", KINDS),
        host=fields.text("host", most=WRITTEN_CHARS_MAX, least=0),
        header=fields.text("header", most=NAME_MAX, least=0),
        packages=fields.texts("packages", most=SECRET_PACKAGES_MAX, each_most=PACKAGE_ID_MAX),
    )
    fields.end()
    return entry


def same_binding(one: SecretEntry, other: SecretEntry) -> bool:
    return (one.host, one.header.lower(), one.packages) == (other.host, other.header.lower(), other.packages)


def binding_words(entry: SecretEntry) -> str:
    """Where the value goes, in words."""
    where = f"for the header {entry.header} of requests to {entry.host}" if entry.host else "as a variable of the environment"
    return where + (f", for {', '.join(entry.packages)} only" if entry.packages else "")
