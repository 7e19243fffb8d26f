"""Values of an older server's variables: under which name each is stored, and where it goes in words and addresses. Spec: legacy V-12 to V-14."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from mpp.errors import HostFailed, Refused
from mpp.host.legacy.limits import FILLED_CHARS_MAX
from mpp.host.legacy.types import Server
from mpp.host.policy_http import check_address
from mpp.host.secret_store import SecretStore
from mpp.host.services.secrets import resolve_env
from mpp.model.jsontext import shown

_MARK = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def stored_name(server: str, key: str) -> str:
    """Where a value that is one server's alone is stored. No package can declare a variable of that name, for the dashes in it."""
    return f"legacy-{server}-{key}"


def mark(name: str) -> str:
    """What stands in a word or an address in place of a value."""
    return f"${{{name}}}"


def values_of(server: Server, store: SecretStore, environment: Mapping[str, str]) -> dict[str, str]:
    """The server's variables with their values. Its own value of a name goes before the one that is stored under the bare name."""
    stored = store.load() if server.env else {}
    names = {one: own if (own := stored_name(server.name, one)) in stored else one for one in server.env}
    found = dict(resolve_env(tuple(names.values()), server.package_id, store, environment))
    return {one: found[name] for one, name in names.items()}


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the values in place of their marks. A value is never looked through again, and what is no variable of the server stays."""
    found = _MARK.sub(lambda one: values.get(one[1], one[0]), text)
    if len(found) > FILLED_CHARS_MAX:
        # The text is not shown: it holds the values.
        raise HostFailed("host.legacy", "a word of the command is too long once its values are in it", where="command", hint="give the value as a variable")
    return found


def check_marked(url: str) -> None:
    """Attack: a value in the place of a host, which would send all that follows somewhere else."""
    check_address(url)
    parts = urlsplit(url)
    if "${" in f"{parts.scheme}{parts.netloc}":
        raise Refused("usage.legacy", "a value may stand behind the host of an address only", where=shown(parts.netloc), hint="write the host itself")


def filled_address(url: str, values: Mapping[str, str]) -> str:
    """The address with its values. Attack: a value with a line end in it, which would begin a header of its own."""
    check_marked(url)
    found = filled(url, values)
    if found == url:
        return url
    try:
        parts = check_address(found)
    except Refused:
        # Its message would show the value.
        raise HostFailed(
            "host.legacy", "the address is none once its values are in it", where=shown(urlsplit(url).netloc), hint="store the value anew"
        ) from None
    # What follows a # is never sent.
    if (parts.scheme, parts.netloc) != urlsplit(url)[:2] or parts.fragment:
        raise HostFailed("host.legacy", "a value changes the place of the address", where=shown(urlsplit(url).netloc), hint="store the value anew")
    return found
