"""Secrets that only their name gives away: ``password = ...``, ``"apiKey": "..."``, ``export TOKEN=...``, ``--password ...``, columns of a table.

The probes are the words; the look reads the whole name around the word, asks ``names`` what it announces, and ``values`` whether the value is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from mpp.stages.privacy.detectors import columns, tables
from mpp.stages.privacy.detector import LIKELY, WEAK, Detector, Hit, Place
from mpp.stages.privacy.detectors.secrets import nested, written
from mpp.stages.privacy.detectors.secrets.names import PROVIDERS, Kind, announces
from mpp.stages.privacy.detectors.secrets.values import FIRM, MIXED, OPEN, VALUE_CHARS_MAX, is_secret
from mpp.stages.privacy.later import on_use

NAME_SIDE_CHARS = 48
"""Characters of a name on each side of the word that was found. Reason: longer names are sentences or drawn."""

VALUE_REACH = 1200
"""Characters after a name in which its value must end. Reason: a key in base64 fits; a page of text in quotes is no secret."""

ROWS_MAX = 50_000
"""Rows that are read for one heading. Reason: a tenth of a second; what has more and more headings is withheld when its time is over."""

SIBLINGS_MAX = 16
"""Leaves on both sides in which the value of a named pair is looked for. Reason: objects with a name and a value have a handful of fields."""

PROSE_CHARS_MIN = 6
"""Characters of a password in the middle of a sentence. Reason: shorter mixtures are names: as UTF-8 and B2B."""

_PAIR_NAMES = frozenset(
    (
        "name",
        "key",
        "field",
        "variable",
        "id",
        "label",
        "title",
        "parameter",
        "param",
        "header",
        "env",
        "k",
        "parameterkey",
        "variable_name",
        "fieldname",
        "field_name",
    )
)
_PAIR_VALUES = frozenset(
    (
        "value",
        "val",
        "content",
        "text",
        "default",
        "defaultvalue",
        "default_value",
        "v",
        "secret",
        "parametervalue",
        "stringvalue",
        "string_value",
        "current",
        "plaintext",
    )
)

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
    | ["'][ ]?>                                                                                                     # <property name="password">x
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
_CONTINUED = on_use(r"""\\\r?\n(?!-)[^\s"'`,;&|<>\\\x00]{1,1024}""")
_LINE_END = on_use(r"\\\r?\n")
_BEFORE_WORD = frozenset(("requirepass", "masterauth"))
_LOGIN = on_use(r"(?:login|user) \S{1,40} $|(?:^|\s)(?:machine\s{1,8}\S{1,253}|default)\s{1,8}(?:login|user)\s{1,8}\S{1,64}\s{1,8}$")
LOGIN_CHARS = 360
"""Characters before a name in which the login of a .netrc is looked for. Reason: the name of a machine has up to 253, and an address fits behind it."""


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
    found = _value_after(place, kind, start, end) or _value_beside(place, kind, start, end)
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


def _value_beside(place: Place, kind: Kind, start: int, end: int) -> Hit | None:
    """The value in an object below the name, or in the field beside that which holds the name."""
    reach = min(place.high, end + VALUE_REACH)
    found = written.beside(place.text, end, reach)
    return found and _read(place, kind if found[1] else _mixed(kind), place.text[start:end], (found[0], reach, LIKELY))


def _below(place: Place, kind: Kind, start: int, end: int) -> Iterator[Hit]:
    """The cells of the column that the name heads, or the lines of the block. A column goes on to the mark after the name, so ``token count`` heads none."""
    text, name = place.text, place.text[start:end]
    # Words with commas between are a sentence or a program as often as a table, but for the first line of a text.
    is_table = text.rfind("\n", place.low, start) < 0 or text[end : min(end + NAME_SIDE_CHARS, place.high)].partition("\n")[0].strip()[-1:] in {"|", "+"}
    for first, last in _cells(place, start, end):
        place.watch()
        yield from _bare(place, kind if is_table else _mixed(kind), name, (first, last))
    if text[end : end + 1] == '"':
        for first, last, is_apart in islice(columns.list_cells(text, place.low, place.high, (start, end)), ROWS_MAX):
            place.watch()
            yield from _bare(place, kind if is_apart else _mixed(kind), name, (first, last))
    lines = [*written.block(text, end, place.high)]
    for line in lines:
        place.watch()
        yield from _bare(place, kind if len(lines) == 1 else _mixed(kind), name, line)


def _cells(place: Place, start: int, end: int) -> Iterator[tuple[int, int]]:
    if place.text[end : min(end + 2, place.high)].strip(' "\r')[:1] in {"", ",", ";", "\t", "|", "\n"}:
        yield from islice(columns.cells(place.text, place.low, place.high, start), ROWS_MAX)


def _bare(place: Place, kind: Kind, name: str, where: tuple[int, int]) -> Iterator[Hit]:
    """What stands there without blanks and quotes around it."""
    first, last = where
    bare = place.text[first:last].strip(' "\r')
    if bare and is_secret(bare, kind.level, quoted=True, name=name):
        at = place.text.index(bare, first)
        yield Hit(kind.type, at, at + len(bare), LIKELY)


def _other_leaf(place: Place, kind: Kind, name: str) -> Iterator[Hit]:
    """The name has a leaf of its own: a key with its value, the name in a pair of name and value, or the heading of a column."""
    arena, leaf = place.arena, place.leaf
    spot = arena.spots[leaf]
    if not spot.is_key:
        if place.key.lower() in _PAIR_NAMES:
            other = _sibling(place)
            if other >= 0:
                yield from _whole(place, other, kind, name)
        yield from _column(place, kind, name)
        return
    other, kind = leaf + 1, _owner(kind, place.key)
    if isinstance(spot.item, dict | list):
        for inner, is_plain in nested.within(arena, spot.item):
            place.watch()
            yield from _whole(place, inner, kind if is_plain else _mixed(kind), name)
    elif other < len(arena.spots) and not (after := arena.spots[other]).is_key and after.holder is spot.holder and after.step == spot.step:
        yield from _whole(place, other, kind, name)


def _mixed(kind: Kind) -> Kind:
    """Where a word may stand that is none, a password must have more for it."""
    return Kind(type=kind.type, level=MIXED) if kind.level == OPEN else kind


def _column(place: Place, kind: Kind, name: str) -> Iterator[Hit]:
    """The cells of the column that the name heads in a table of lists."""
    for cell, is_apart in tables.below(place.arena, place.leaf):
        place.watch()
        yield from _whole(place, cell, kind if is_apart else _mixed(kind), name)


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
    return name.startswith("--") or name in _BEFORE_WORD or ("login" in before and _LOGIN.search(before) is not None)


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
        high = _continued(text, low, bare.end(), reach)
    if sure == WEAK and kind.level == MIXED and high - low < PROSE_CHARS_MIN:
        return None
    given = _LINE_END.sub("", text[low:high]) if not quoted and "\\" in text[low:high] else text[low:high]
    if is_secret(given, kind.level, quoted=quoted is not None or scheme is not None, name=name) and not _goes_on(
        place, kind, low, high, quoted=quoted is not None
    ):
        return Hit(kind.type, low, high, sure)
    return None


def _continued(text: str, low: int, high: int, reach: int) -> int:
    """Where a bare value ends, which may go on in a next line where its line says so."""
    while (further := _CONTINUED.match(text, high, reach)) is not None:
        high = further.end()
    return _trimmed(text, low, high)


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
    r"(?i)psk[^a-z]",
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
        r"|developer|merchant|bot|preshared)[ _.-]?key"
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
