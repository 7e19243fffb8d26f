"""Secrets that only their name gives away: ``password = ...``, ``"apiKey": "..."``, ``export TOKEN=...``, ``--password ...``, columns of a table.

The probes are the words; the look reads the whole name around the word, asks ``names`` what it announces, and ``values`` whether the value is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mpp.stages.privacy.arena import Spots
from mpp.stages.privacy.detectors import columns
from mpp.stages.privacy.detector import LIKELY, WEAK, Detector, Hit, Place
from mpp.stages.privacy.detectors.secrets.names import PROVIDERS, Kind, announces
from mpp.stages.privacy.detectors.secrets.values import FIRM, MIXED, OPEN, VALUE_CHARS_MAX, is_secret
from mpp.stages.privacy.later import on_use

NAME_SIDE_CHARS = 48
"""Characters of a name on each side of the word that was found. Reason: longer names are sentences or drawn."""

VALUE_REACH = 1200
"""Characters after a name in which its value must end. Reason: a key in base64 fits; a page of text in quotes is no secret."""

ROWS_MAX = 200
"""Rows that are read for one heading. Reason: bounds the work for one place."""

LISTED_MAX = 64
"""Items of a list under the name of a secret that are read. Reason: keys that are in use are few; codes for recovery are ten."""

SIBLINGS_MAX = 16
"""Leaves on both sides in which the value of a named pair is looked for. Reason: objects with a name and a value have a handful of fields."""

PROSE_CHARS_MIN = 6
"""Characters of a password in the middle of a sentence. Reason: shorter mixtures are names: as UTF-8 and B2B."""

_PAIR_NAMES = frozenset(("name", "key", "field", "variable", "id", "label", "title", "parameter", "param", "header", "env", "k"))
_PAIR_VALUES = frozenset(("value", "val", "content", "text", "default", "defaultvalue", "default_value", "v", "secret"))

_NAME = on_use(
    r"(?:(?:mot de passe|palavra-passe|kata sandi|m\u1eadt kh\u1ea9u|identified by|one[- ]time (?:code|password|pin)|seed phrase|(?:recovery|backup) (?:phrase|codes?)"
    r"|verification code|(?:api|access|secret|private|account|encryption|signing|master|license|recovery) key|client secret)|\w)[\w-]{0,48}",
    re.IGNORECASE,
)

_WHOLE_NAME = on_use(r"[\w .-]{1,96}")

# What may stand between a name and its value, the firm ways first: in these, only what nobody would write as words is a secret.
_WEAK_LINK = on_use(
    r"""
      ["'`]?[ ]{1,3}(?:is|was|are|ist|lautet|est|es|sar\u00e0|\u00e8|\u00e9|jest|er|\u00e4r|on)(?::|[ ])[ ]{0,3}(?:now|set\ to|jetzt|:)?[ ]{0,2}   # the password is x
    | [ ](?:for|of|to|f\u00fcr|pour|de|para|per)[ ][\w@.'\ -]{1,40}?(?:[ ]is[ ]|:[ ]|[ ]=[ ])                                   # the password for x is y
    | ["'`]?:[ \t]{0,8}\r?\n[ \t]{0,16}                                                                             # label, value below
    | ["']\s{0,2},\s{0,4}(?=["'])                                                                                  # ("password", "x")
    | [ \t]{1,4}(?=["'])                                                                                           # PASSWORD 'x'
    | [ \t]{0,4}[|\t][ \t]{0,4}                                                                                    # | password | x |
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINK = on_use(
    r"""
      ["'`\]]{0,2}[ \t]{0,8}:[ ]{0,2}[A-Za-z_][\w.\[\]|]{0,30}[ ]{0,2}=[ ]{0,2}(?=["'`])                             # name: Type = "x"
    | ["'`]\s{1,4}(?:value|content)\s?=\s?(?=["'])                                                                  # name="password" value="x"
    | \\?["'`\]]{0,2}[ \t]{0,8}(?::=|=>|==?=?|:|\uff1a|->)[ \t]{0,8}
    | (?:</\w{1,6}>\s{0,4}<\w{1,6}>|>)                                                                             # <password>x
    """,
    re.VERBOSE,
)
_SPACE = on_use(r"[ \t]{1,4}")
_SCHEME = on_use(r"(?:bearer|basic|token|apikey|ssws|jwt|negotiate|key)[ \t]{1,3}(?=[\w+/=.~-]{8})", re.IGNORECASE)
_QUOTED = on_use(r"""(\\?["'`])((?:(?!\1)[^\n]){1,1024})\1""")
_BARE = on_use(r"""[^\s"'`,;&|<>\\\x00]{1,1024}""")
_BEFORE_WORD = frozenset(("requirepass", "masterauth"))
_LOGIN = on_use(r"(?:login|user) \S{1,40} $")
LOGIN_CHARS = 48
"""Characters before a name in which the login of a .netrc is looked for. Reason: an address fits."""


def look(place: Place) -> Iterator[Hit]:
    """The value beside the name that holds the word found."""
    text = place.text
    start, end = _name_around(place)
    kind = announces(text[start:end])
    # The dashes of a block that begins or ends here, which is read as a whole elsewhere; and types of a service, AWS::IAM::AccessKey.
    if kind is None or text[end - 1] == "-" or text.startswith("::", start - 2):
        return
    if start == place.low and end == place.high:
        yield from _other_leaf(place, kind, text[start:end])
        return
    found = _value_after(place, kind, start, end)
    yield from (found,) if found else _below(place, kind, start, end)


def _name_around(place: Place) -> tuple[int, int]:
    """The whole name around the word; of a leaf that is a key, the whole leaf."""
    text, start = place.text, place.at
    if place.is_key and _WHOLE_NAME.fullmatch(text, place.low, place.high):
        return place.low, place.high
    floor = max(place.low, start - NAME_SIDE_CHARS)
    while start > floor and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        start -= 1
    found = _NAME.match(text, place.at, place.high)
    return start, found.end() if found else place.at


def _below(place: Place, kind: Kind, start: int, end: int) -> Iterator[Hit]:
    """The cells of the column that the name heads. A column goes on to the mark after the name, so ``token count`` heads none."""
    text = place.text
    if text[end : min(end + 2, place.high)].strip(' "\r')[:1] not in {"", ",", ";", "\t", "|", "\n"}:
        return
    for first, last in islice(columns.cells(text, place.low, place.high, start), ROWS_MAX):
        bare = text[first:last].strip(' "\r')
        if bare and is_secret(bare, kind.level, quoted=True, name=text[start:end]):
            at = text.index(bare, first)
            yield Hit(kind.type, at, at + len(bare), LIKELY)


def _other_leaf(place: Place, kind: Kind, name: str) -> Iterator[Hit]:
    """The name has a leaf of its own: a key with its value, or the name in a pair of name and value."""
    arena, leaf = place.arena, place.leaf
    spot = arena.spots[leaf]
    if spot.is_key:
        other = leaf + 1
        inside = spot.item
        if isinstance(inside, list) and isinstance(arena.spots, Spots):
            kind = _owner(kind, place.key)
            for item in (arena.spots.leaf_of(inside, step) for step in range(min(len(inside), LISTED_MAX))):
                if item >= 0:
                    yield from _whole(place, item, kind, name)
            return
        if other >= len(arena.spots) or arena.spots[other].is_key or arena.spots[other].holder is not spot.holder or arena.spots[other].step != spot.step:
            return
        kind = _owner(kind, place.key)
    else:
        if place.key.lower() not in _PAIR_NAMES:
            return
        other = _sibling(place)
    if other >= 0:
        yield from _whole(place, other, kind, name)


def _sibling(place: Place) -> int:
    """The leaf with the value of the pair whose name this leaf is."""
    arena, leaf = place.arena, place.leaf
    holder = arena.spots[leaf].holder
    for way in (1, -1):
        other = leaf + way
        while 0 <= other < len(arena.spots) and abs(other - leaf) <= SIBLINGS_MAX and arena.spots[other].holder is holder:
            if not arena.spots[other].is_key and str(arena.spots[other].step).lower() in _PAIR_VALUES:
                return other
            other += way
    return -1


def _whole(place: Place, leaf: int, kind: Kind, name: str) -> Iterator[Hit]:
    """The whole leaf, or what follows the scheme in it."""
    start, end = place.arena.starts[leaf], place.arena.end_of(leaf)
    scheme = _SCHEME.match(place.text, start, end) if kind.level == FIRM else None
    start = scheme.end() if scheme else start
    if end - start <= VALUE_CHARS_MAX and is_secret(place.text[start:end], kind.level, quoted=True, name=name):
        yield Hit(kind.type, start, end, LIKELY)


def _owner(kind: Kind, parent: str) -> Kind:
    """Whose secret it is, where the object around it tells: ``{"datadog": {"api_key": ...}}``."""
    provider = PROVIDERS.get(parent.lower()) if kind.type == "secret_value" else None
    return Kind(type=provider, level=kind.level) if provider else kind


def _value_after(place: Place, kind: Kind, start: int, end: int) -> Hit | None:
    text, reach = place.text, min(place.high, end + VALUE_REACH)
    link, level, sure = _LINK.match(text, end, reach), kind.level, LIKELY
    if link is not None and text[link.end() - 1 : link.end()] == ":" and text[link.end() : link.end() + 1] in {"\n", "\r"}:
        link = None
    if link is None and _takes_a_word(text[start:end].lower(), text[max(place.low, start - LOGIN_CHARS) : start]):
        link = _SPACE.match(text, end, reach)
    if link is None:
        link, level, sure = _WEAK_LINK.match(text, end, reach), max(level, MIXED) if level == OPEN else level, WEAK
    if link is None:
        return None
    return _read(place, Kind(type=kind.type, level=level), text[start:end], (link.end(), reach, sure))


def _takes_a_word(name: str, before: str) -> bool:
    """Only a space stands between this name and its value: an option, a directive, a line of a .netrc."""
    return name.startswith("--") or name in _BEFORE_WORD or ("login " in before and _LOGIN.search(before) is not None)


def _read(place: Place, kind: Kind, name: str, where: tuple[int, int, int]) -> Hit | None:
    """The value that begins here, in quotes or bare."""
    text, (at, reach, sure) = place.text, where
    quoted = _QUOTED.match(text, at, reach)
    low, high = quoted.span(2) if quoted else (at, reach)
    scheme = _SCHEME.match(text, low, high) if kind.level == FIRM else None
    low = scheme.end() if scheme else low
    if not quoted:
        bare = _BARE.match(text, low, reach)
        if bare is None:
            return None
        high = _trimmed(text, low, bare.end())
    if sure == WEAK and kind.level == MIXED and high - low < PROSE_CHARS_MIN:
        return None
    if is_secret(text[low:high], kind.level, quoted=quoted is not None or scheme is not None, name=name) and not _goes_on(
        place, kind, low, high, quoted=quoted is not None
    ):
        return Hit(kind.type, low, high, sure)
    return None


def _trimmed(text: str, low: int, high: int) -> int:
    """Without the end of a sentence, and without brackets that were opened before."""
    while high > low and (text[high - 1] == "." or (text[high - 1] in ")]}" and "([{"[")]}".index(text[high - 1])] not in text[low:high])):
        high -= 1
    return high


_SENTENCE = on_use(r"[ \t]{1,2}[A-Za-z]{1,20}[ ,.]")


def _goes_on(place: Place, kind: Kind, low: int, high: int, *, quoted: bool) -> bool:
    """A bare word of small letters with more words behind it is a sentence: ``password: must be changed``."""
    text = place.text
    return not quoted and kind.level == OPEN and text[low:high].isalpha() and _SENTENCE.match(text, high, place.high) is not None


_WORDS = (
    r"(?i)passw",
    r"(?i)pass[^a-z]",
    r"(?i)passphrase",
    r"(?i)passcode",
    r"(?i)passord",
    r"(?i)[_-]pw[^a-z]",
    r"(?i)pwd",
    r"(?i)pswd",
    r"(?i)secret",
    r"(?i)token",
    r"(?i)credential",
    r"(?i)creds",
    r"(?i)authorization",
    r"(?i)auth[^a-z]",
    r"(?i)authheader",
    r"(?i)mnemonic",
    r"(?i)seed[ _-]?phrase",
    r"(?i)(?:recovery|backup)[ _-]?(?:phrase|code)",
    r"(?i)sess(?:ion)?_?id",
    r"(?i)identified by",
    r"(?i)masterauth",
    r"(?i)[_-]pat[^a-z]",
    (
        r"(?i)(?:api|access|private|priv|account|encryption|encrypt|signing|sign|master|shared|auth|service|role|subscription|licen[sc]e|deploy|hmac|session|admin|app"
        r"|application|recovery|unseal|storage|webhook|ssh|crypto|cipher|aes|jwt|security|server|client|consumer|write|ingest|ingestion|integration|wallet|root"
        r"|developer|merchant|bot)[ _.-]?key"
    ),
    r"(?i)pin[^a-z]",
    r"(?i)totp",
    r"(?i)otp[^a-z]",
    r"(?i)(?:mfa|2fa|sms|auth|login|unlock|verification|one[ _-]?time)[ _-]?code",
    r"(?i)kennwort",
    r"(?i)contrase",
    r"(?i)clave[^a-z]",
    r"(?i)senha",
    r"(?i)palavra.?passe",
    r"(?i)mot[ _]?de[ _]?passe",
    r"(?i)mdp[^a-z]",
    r"(?i)wachtwoord",
    r"(?i)has\xc5\x82o",
    r"(?i)haslo",
    r"(?i)parola",
    r"(?i)heslo",
    r"(?i)l\xc3\xb6senord",
    r"(?i)losenord",
    r"(?i)jelsz",
    r"(?i)salasana",
    r"(?i)adgangskode",
    r"(?i)ifre[^a-z]",
    r"(?i)geslo",
    r"(?i)lozinka",
    r"(?i)kata ?sandi",
    r"(?i)geheimnis",
    r"(?i)segredo",
    r"\xd0\xb0\xd1\x80\xd0\xbe\xd0\xbb\xd1\x8c",
    r"\xe5\xaf\x86\xe7\xa0\x81",
    r"\xe5\xaf\x86\xe7\xa2\xbc",
    r"\xe5\x8f\xa3\xe4\xbb\xa4",
    r"\xe3\x83\x91\xe3\x82\xb9\xe3\x83\xaf\xe3\x83\xbc\xe3\x83\x89",
    r"\xeb\xb9\x84\xeb\xb0\x80\xeb\xb2\x88\xed\x98\xb8",
    r"\xec\x95\x94\xed\x98\xb8",
)
"""Words by which a name is found. What follows or stands before is read by the look; ``[^a-z]`` keeps out words that go on (passenger, pinned, author)."""

TYPES = tuple(
    dict.fromkeys(
        (
            "password",
            "password_hash",
            "recovery_phrase",
            "private_key",
            "aws_secret_key",
            "secret_value",
            "auth_header",
            "access_code",
            *PROVIDERS.values(),
        )
    )
)

DETECTORS = (Detector(name="named_secret", types=TYPES, probes=_WORDS, look=look),)
