"""What a call could touch: what its package declares, what the token opened, and what was seen of it. Pure.

The record has names of what is declared, numbers of what was opened, and names or numbers of what was used; never arguments, paths of
files that were read, or values.
"""

from __future__ import annotations

from mpp.pages.texts import size
from mpp.model.jsontext import canonical, Json
from mpp.model.value import value
from mpp.stages.audit import dict_of, Line, texts_of

NAMES_MAX = 24
"""Names in one cell. Reason: the entry itself has all; a page must not grow with a hostile list."""

NAME_CHARS_MAX = 200
"""Characters of one of them. Reason: longer ones are no names that a person reads."""

NOT_SEEN = "not seen by the host"


@value
class Capability:
    """One row."""

    name: str
    declared: tuple[str, ...]
    granted: str
    used: tuple[str, ...]


_LISTS = (
    ("network", "Hosts"),
    ("read", "Folders to read"),
    ("write", "Folders to write"),
    ("env", "Variables"),
    ("secrets", "Secrets"),
    ("devices", "Devices"),
)


def capabilities(decision: Line | None, token: Line | None, result: Line | None) -> tuple[Capability, ...]:
    """Rows of which at least one side says something."""
    scope = dict_of(dict_of(decision.body, "facts"), "scope") if decision is not None else {}
    opens = dict_of(token.body, "opens") if token is not None else None
    rows = [Capability(name=name, declared=_names(scope.get(key)), granted=_granted(scope, opens, key), used=_used(result, key)) for key, name in _LISTS]
    rows.append(_stored(scope, opens, result))
    return tuple(one for one in rows if one.declared or one.used or one.granted not in {"", "nothing"})


def _names(found: Json) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    more = (f"and {len(found) - NAMES_MAX} more",) if len(found) > NAMES_MAX else ()
    return (*(_name(one) for one in found[:NAMES_MAX]), *more)


def _name(one: Json) -> str:
    """A name, or an object of a scope in the words that matter."""
    if not isinstance(one, dict):
        return str(one)[:NAME_CHARS_MAX]
    if "host" in one and "ports" in one:
        parts = (" ".join(map(str, item)) for key in ("schemes", "methods", "paths", "ports") if isinstance(item := one.get(key), list) and item)
        return f"{one['host']} ({'; '.join(parts)})"[:NAME_CHARS_MAX]
    if "name" in one:
        return (f"{one['name']}, for {one['host']} only" if one.get("host") else str(one["name"]))[:NAME_CHARS_MAX]
    return canonical(one).decode("ascii", "replace")[:NAME_CHARS_MAX]


def _granted(scope: dict[str, Json], opens: dict[str, Json] | None, key: str) -> str:
    """The token stands in the record by numbers."""
    if opens is None:
        return ""
    many, declared = opens.get(key), scope.get(key)
    if not isinstance(many, int) or not many:
        return "nothing"
    known = len(declared) if isinstance(declared, list) else 0
    return "all of it" if many == known else f"{many} of {known}" if many < known else str(many)


def _used(result: Line | None, key: str) -> tuple[str, ...]:
    if result is None:
        return ()
    body = result.body
    if key == "network":
        return texts_of(body, "hosts")[:NAMES_MAX]
    if key == "secrets":
        echoed = texts_of(body, "secrets_echoed")
        return (*texts_of(body, "secrets")[:NAMES_MAX], *(f"{name}: its value came back in an answer" for name in echoed[:NAMES_MAX]))
    if key in {"read", "write"}:
        many = body.get({"read": "files_read", "write": "files_written"}[key])
        return (f"{many:,} files",) if isinstance(many, int) and many else ()
    return ()


def _stored(scope: dict[str, Json], opens: dict[str, Json] | None, result: Line | None) -> Capability:
    declared, opened = scope.get("kv_max_bytes"), (opens or {}).get("kv_max_bytes")
    used = dict_of(result.body, "kv") if result is not None else {}
    return Capability(
        name="Stored state",
        declared=(f"up to {size(declared)}",) if isinstance(declared, int) and declared else (),
        granted="" if opens is None else f"up to {size(opened)}" if isinstance(opened, int) and opened else "nothing",
        used=tuple(f"{key} {many}" for key, many in used.items() if isinstance(many, int))[:NAMES_MAX],
    )
