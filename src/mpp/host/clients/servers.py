"""One server of a client's configuration, read out of any of the forms in which clients write it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpp.host.clients.limits import SERVER_NAME_MAX, SERVER_TEXT_MAX, SERVER_WORDS_MAX
from mpp.model.jsontext import Json, shown
from mpp.model.value import value

_REFERENCE = re.compile(r"\$\{[^}]*\}|\A\$[A-Za-z_][A-Za-z0-9_]*\Z|\{\{[^}]*\}\}")
_COMMAND_KEYS = frozenset(("command", "args", "env", "environment", "cwd"))
_URL_KEYS = ("httpUrl", "serverUrl", "url")
_HEADER_KEYS = ("headers", "http_headers")
_STATE_KEYS = frozenset(("type", "transport", "source", "disabled", "enabled", "name", "description"))
_FROM_SURROUNDINGS = ("envFile", "bearer_token_env_var", "env_http_headers", "env_vars", "inputs")
"""Keys that name where the client finds a value that we do not have."""


@value
class Server:
    """What a client starts or calls. Nothing of it has been tried."""

    name: str
    holder: tuple[str, ...]
    """Where the table that holds it stands in the document."""
    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    base: str = ""
    """The folder of the project to which the entry belongs; words of its command may be paths in it."""
    url: str = ""
    transport: str = ""
    """``stdio``, ``http``, ``sse``; empty where nothing says it."""
    headers: tuple[tuple[str, str], ...] = ()
    is_disabled: bool = False
    lost: tuple[str, ...] = ()
    """Settings that only this client knows, and that have no counterpart here."""
    why_not: str = ""
    """Why it cannot be taken over; empty if it can."""

    def __repr__(self) -> str:
        """Attack: a token of a server that stands in a log because somebody printed what held it."""
        return f"Server({shown(self.name)})"

    __str__ = __repr__


class _UnfitError(ValueError):
    """A part of an entry is not what any client takes."""


def read_server(name: str, found: Json, holder: tuple[str, ...]) -> Server:
    """What ``found`` says; an entry that makes no sense is one that cannot be taken over, never an error."""
    try:
        return _read(name, found, holder)
    except _UnfitError as fault:
        return Server(name=name, holder=holder, why_not=str(fault))


def _read(name: str, found: Json, holder: tuple[str, ...]) -> Server:
    if not isinstance(found, dict):
        raise _UnfitError("its entry is no object")
    command = _command(found)
    url = next((_text(found[key], key) for key in _URL_KEYS if found.get(key)), "")
    headers = next((_pairs(found[key], key) for key in _HEADER_KEYS if found.get(key)), ())
    env = _pairs(_inside(found).get("env") or found.get("environment") or {}, "env")
    folder = _text(found.get("cwd") or "", "cwd")
    known = {*_COMMAND_KEYS, *_URL_KEYS, *_HEADER_KEYS, *_STATE_KEYS}
    return Server(
        name=name,
        holder=holder,
        command=command,
        env=env,
        folder=folder,
        url=url,
        transport=_transport(found, is_command=bool(command)),
        headers=headers,
        is_disabled=found.get("disabled") is True or found.get("enabled") is False,
        lost=tuple(sorted(shown(key) for key in found if key not in known)),
        why_not=_why_not(name, found, command, url, (*command, folder, url, *(text for _, text in (*env, *headers)))),
    )


def _inside(found: Mapping[str, Json]) -> Mapping[str, Json]:
    """Where the words of the command stand: Zed once wrote them into an object of their own."""
    command = found.get("command")
    return command if isinstance(command, dict) else found


def _command(found: Mapping[str, Json]) -> tuple[str, ...]:
    command = found.get("command")
    if isinstance(command, list):
        return _texts(command, "command")
    inside = _inside(found)
    program = inside.get("path") if isinstance(command, dict) else command
    if not program:
        return ()
    return (_text(program, "command"), *_texts(inside.get("args") or [], "args"))


def _transport(found: Mapping[str, Json], *, is_command: bool) -> str:
    if is_command:
        return "stdio"
    said = found.get("type") or found.get("transport")
    if found.get("httpUrl") or said in {"http", "streamable-http", "streamableHttp", "streamable_http"}:
        return "http"
    return "sse" if said == "sse" else ""


def _why_not(name: str, found: Mapping[str, Json], command: tuple[str, ...], url: str, said: tuple[str, ...]) -> str:
    if not 1 <= len(name) <= SERVER_NAME_MAX:
        return "its name is too long or empty"
    if bool(command) == bool(url):
        return "it has both a command and an address" if command else "it has neither a command nor an address: the client itself starts it"
    outside = [key for key in _FROM_SURROUNDINGS if found.get(key)]
    if outside:
        return f"{outside[0]} names values that only the client finds"
    # Only the names of references are shown: what stands around them may be a secret.
    reference = next((one[0] for text in said if (one := _REFERENCE.search(text)) is not None), "")
    return f"{shown(reference)} is filled in by the client" if reference else ""


def _text(item: Json, key: str) -> str:
    if not isinstance(item, str) or len(item) > SERVER_TEXT_MAX or "\0" in item:
        raise _UnfitError(f"its {key} is no text of a sound length")
    try:
        item.encode("utf-8")
    except UnicodeEncodeError:
        raise _UnfitError(f"its {key} is no sound text") from None
    return item


def _texts(item: Json, key: str) -> tuple[str, ...]:
    if not isinstance(item, list) or len(item) > SERVER_WORDS_MAX:
        raise _UnfitError(f"its {key} is no list of sound length")
    return tuple(_text(one, key) for one in item)


def _pairs(item: Json, key: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(item, dict) or len(item) > SERVER_WORDS_MAX:
        raise _UnfitError(f"its {key} is no table of texts")
    return tuple((_text(name, key), _plain(text, key)) for name, text in item.items() if text is not None)


def _plain(item: Json, key: str) -> str:
    """Some clients take numbers and true for values of variables."""
    if isinstance(item, bool):
        return "true" if item else "false"
    return str(item) if isinstance(item, int) else _text(item, key)
