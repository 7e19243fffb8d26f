"""Which texts of a server's entry are secrets: by the name that they have, by their form, or because a header carries them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, urlsplit

from mpp.host.clients.servers import Server
from mpp.model.jsontext import Json

See = Callable[[Json], Iterable[str]]
"""What the detectors of the privacy filter find in a message: the pointer of each text that holds a secret."""

_NAME = re.compile(
    r"(?:api|access|account|auth|client|encryption|license|private|secret|service|session|signing|storage|subscription|write|read|admin|master)[_-]?key"
    r"|(?:^|[_-])keys?(?:$|[_-])|key$|token|secret|passw|passphrase|passcode|(?:^|[_-])(?:pwd|pass|pat|dsn|jwt|pin|otp|sid|auth)(?:$|[_-])"
    r"|credential|bearer|authorization|cookie|connection[_-]?(?:string|ur[il])|(?:database|db|postgres|mysql|mongo|redis|amqp)\w*[_-]ur[il]|webhook",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?:true|false|yes|no|on|off|none|null|[0-9]{1,3})?", re.IGNORECASE)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]{0,60})(?:[=:](.*))?", re.DOTALL)
_ASSIGNED = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,60})=(.+)", re.DOTALL)
_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}):[ ]?(.+)", re.DOTALL)


def every_text(message: Json) -> Iterable[str]:
    """Takes each text for a secret."""
    if isinstance(message, list):
        return [f"/{index}" for index in range(len(message))]
    return [f"/{_escaped(key)}" for key in message] if isinstance(message, dict) else []


def is_secret_name(name: str) -> bool:
    """Does a variable, an option or a header of this name hold a secret? In doubt it does."""
    return _NAME.search(name) is not None


def secret_words(server: Server, see: See) -> frozenset[int]:
    """The places of the words of a command that are secrets or hold one."""
    words = server.command
    found = {index for index in range(1, len(words)) if _says_so(words, index)}
    seen = see([*words])
    return frozenset(found | {int(one[1:]) for one in seen if one[1:].isdigit()})


def _says_so(words: tuple[str, ...], index: int) -> bool:
    """``--api-key=VALUE``, ``API_KEY=VALUE``, ``Authorization: VALUE``, or the word after ``--api-key``."""
    word = words[index]
    option = _OPTION.fullmatch(word)
    if option is not None:
        return option[2] is not None and is_secret_name(option[1]) and _PLAIN.fullmatch(option[2]) is None
    for form in (_ASSIGNED, _HEADER):
        named = form.fullmatch(word)
        if named is not None and is_secret_name(named[1]):
            return True
    before = _OPTION.fullmatch(words[index - 1])
    return (before is not None and before[2] is None and is_secret_name(before[1]) and _PLAIN.fullmatch(word) is None) or is_secret_url(word)


def split_word(word: str) -> tuple[str, str]:
    """What may stand in the clear, and the secret: the value alone where the word names it, else the whole word."""
    for form in (_OPTION, _ASSIGNED, _HEADER):
        named = form.fullmatch(word)
        # Attack: a token that ends with = reads as a name without a value.
        if named is not None and named[2] and named[2].strip("=") and is_secret_name(named[1]):
            return word[: named.start(2)], named[2]
    return "", word


def split_url(url: str) -> tuple[str, str]:
    """Scheme and host, and all that follows: which part of a path is a secret, nobody can tell."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if not slash:
        host, _, path = rest.partition("?")
        path = "?" + path
    return f"{scheme}{mark}{host}/", path


def is_secret_url(text: str) -> bool:
    """Does an address hold a password, or a parameter with the name of a secret?"""
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.password) or any(is_secret_name(name) and value for name, value in parse_qsl(parts.query, max_num_fields=100))
    except ValueError:
        return False


def secret_variables(server: Server, see: See) -> frozenset[str]:
    """The variables that hold a secret."""
    seen = {_unescaped(one[1:]) for one in see(dict(server.env))}
    named = {name for name, text in server.env if _PLAIN.fullmatch(text) is None and (is_secret_name(name) or is_secret_url(text))}
    return frozenset(seen | named)


def has_secret_url(server: Server, see: See) -> bool:
    return bool(server.url) and (is_secret_url(server.url) or any(True for _ in see([server.url])))


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _unescaped(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")
