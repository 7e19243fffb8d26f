"""What stands in the place of what was found. One value has one pseudonym within a tenant, an agent and an hour.

Spec: 6-privacy, section on actions.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable

from mpp.stages.policy import TypeAction
from mpp.stages.privacy.limits import DIGEST_CHARS, PSEUDONYMS_MAX, SURROGATE_TRIES

LETTERS = "bcdfghjkmnpqrstz"
"""Sixteen letters, none a vowel, so that no placeholder holds a word or a number."""
SIZE = 8
_AS_LETTERS = str.maketrans("0123456789abcdef", LETTERS)

PLACEHOLDER = re.compile(rf"\[[A-Z][A-Z0-9_]{{1,63}}(?:-[{LETTERS}]{{{SIZE}}}|:\*\*\*[0-9A-Za-z]{{1,8}})?\]")
"""Any placeholder of ours. What stands inside one is never searched again: it holds eight letters or digits at most."""

PLACEHOLDER_CHARS_MAX = 80
"""Characters of a placeholder. Reason: its form allows no more."""

_NAMED = re.compile(r"[-:\]]")
_DIGITS, _LOWER, _UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def bare(kind: str) -> str:
    return f"[{kind.upper()}]"


def pseudonym_in(text: str) -> re.Match[str] | None:
    return PLACEHOLDER.fullmatch(text)


def type_in(placeholder: str) -> str:
    """The type that a placeholder names."""
    return _NAMED.split(placeholder, maxsplit=1)[0][1:].lower()


class Pseudonyms:
    """The values behind the placeholders of one tenant and agent, in memory alone, for at most an hour.

    They are never written anywhere: a crash forgets them, and so does the clock.
    """

    def __init__(self, key: bytes) -> None:
        # BLAKE2b takes a key of its own; with the key taken in already, a copy costs a fifth of an HMAC.
        self._keyed = hashlib.blake2b(key=key, digest_size=32)
        self._values: OrderedDict[str, tuple[str, str]] = OrderedDict()

    @staticmethod
    def key_for(master: bytes, tenant: str, agent: str, period: int) -> bytes:
        """The key of one tenant and agent for one span of time. Lengths part the names, so that no two pairs give one key."""
        said = f"{len(tenant)}:{tenant}{len(agent)}:{agent}{period}".encode("utf-8", "surrogatepass")
        return hmac.digest(master, said, "sha256")

    def digest(self, kind: str, text: str) -> str:
        """For the record: keyed, so that nobody without the key can try out values."""
        return self._mac("digest", kind, text).hex()[:DIGEST_CHARS]

    def name(self, kind: str, text: str) -> str:
        """The placeholder of a value: the same for the same value."""
        for turn in range(16):
            written = self._mac(f"name {turn}", kind, text)[: SIZE // 2].hex()
            name = f"[{kind.upper()}-{written.translate(_AS_LETTERS)}]"
            known = self._values.get(name)
            if known is None:
                # Attack: a tool that answers with ever new addresses until the host has no memory left. The oldest are forgotten.
                if len(self._values) >= PSEUDONYMS_MAX:
                    self._values.popitem(last=False)
                self._values[name] = (kind, text)
                return name
            if known == (kind, text):
                return name
        return bare(kind)

    def value(self, name: str) -> tuple[str, str] | None:
        """Type and value behind a placeholder, where it is still known."""
        return self._values.get(name)

    def surrogate(self, kind: str, text: str, is_valid: Callable[[str], bool]) -> str:
        """A value of the same shape that stands for nobody: no detector finds a valid one in it. Falls back to the pseudonym."""
        for turn in range(SURROGATE_TRIES):
            made = self._shaped(kind, text, turn)
            if made != text and not is_valid(made):
                return made
        return self.name(kind, text)

    def _shaped(self, kind: str, text: str, turn: int) -> str:
        if kind == "email":
            return f"{self._letters(kind, text, turn)}@example.invalid"
        stream = hashlib.shake_256(self._mac(f"shape {turn}", kind, text)).digest(len(text))
        return "".join(_other(one, stream[i]) for i, one in enumerate(text))

    def _letters(self, kind: str, text: str, turn: int) -> str:
        return "".join(LETTERS[one % 16] for one in self._mac(f"shape {turn}", kind, text)[:SIZE])

    def _mac(self, purpose: str, kind: str, text: str) -> bytes:
        mac = self._keyed.copy()
        mac.update(f"{purpose}\0{kind}\0{text}".encode("utf-8", "surrogatepass"))
        return mac.digest()


def _other(one: str, draw: int) -> str:
    for row in (_DIGITS, _LOWER, _UPPER):
        if one in row:
            return row[draw % len(row)]
    return one if one.isascii() else "x"


def partial(kind: str, text: str, keep: int) -> str:
    """The end of a value; nothing of one that is not at least twice as long as what would be shown."""
    plain = [one for one in text if one.isalnum()]
    end = "".join(plain[-keep:]) if keep and len(plain) >= 2 * keep else ""
    return f"[{kind.upper()}:***{end}]" if end else bare(kind)


def written(action: TypeAction, kind: str, text: str, names: Pseudonyms, is_valid: Callable[[str], bool]) -> str:
    """What stands in place of ``text``."""
    if action.action == "redact":
        return bare(kind)
    if action.action == "partial":
        return partial(kind, text, action.keep)
    if action.action == "surrogate":
        return names.surrogate(kind, text, is_valid)
    return names.name(kind, text)
