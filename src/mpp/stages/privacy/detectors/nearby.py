"""What the words around a number say it is: a label before it, the key above it, or the heading of its column.

The nearest label counts: "Phone: 555 0100, order: 1234567" speaks of two things.
"""

from __future__ import annotations

from functools import lru_cache

from mpp.stages.privacy.detector import Place
from mpp.stages.privacy.limits import CONTEXT_CHARS
from mpp.stages.privacy.later import on_use

CARD, PHONE, SSN, BANK, MACHINE, OTHER = "card", "phone", "ssn", "bank", "machine", "other"
"""What a label can speak of. MACHINE numbers are made by machines for machines; OTHER ones are numbers of something that is no phone."""

KEYS_KEPT_MAX = 1024
"""Keys whose label is remembered. Reason: a message repeats a few hundred keys thousands of times."""

KEY_CHARS_MAX = 64
"""Characters of a key that are read. Reason: longer keys are data."""

HEADING_CHARS = 400
"""Characters of a line that are read for a table. Reason: a row of twenty columns fits, and the look stays cheap."""

# Words that a letter may follow are stems. All stand at the beginning of a word.
_WORDS = {
    SSN: r"ssn|s\.s\.n|ss#|social\W{0,2}(?:security|sec\b|insurance)|seguro social|soc\W{0,2}sec",
    BANK: r"iban|bank(?:ing)?(?: account(?: (?:number|num|no))?)?|konto|cuenta|conto corrente|compte|conta\b|wire\b|transfer|beneficiary",
    CARD: r"(?:credit|debit|bank|kredit|plastic)[ -]?(?:card|karte)|cards?(?![a-z])|cardno|cardnum|cc(?: ?(?:number|num|no|n))?\b|pan\b|visa\b|master ?card|amex\b"
    r"|american express|maestro\b|diners\b|tarjeta|carte\b|cartão|carta di credito|karten?|kartu\b|kort\b|karta\b|карт[аыеу]",
    PHONE: r"(?:tele|home|work|cell|mobile|office|hand|smart|day|evening|customer|contact|user)?phone|tel\b|tel[eé]?f|t[ée]l(?:[ée]phone)?\b|mobiles?\b|mobil(?:nummer)?\b"
    r"|m[óo]vil|cell(?:ular|ulare)?\b|celular|call\b|calling\b|dial\b|fax\b|whats ?app|viber\b|sms\b|contacts?\b|reach\b|hotline|helpline|ring\b|voice ?mail|pager\b"
    r"|answering\b|(?:text|messages?)\W{1,2}(?:me|us|to|on|at)\b|handy|rufnummer|portable\b|natel\b|gsm\b|msisdn|puhelin|tlf\b|telp\b|sđt|điện thoại"
    r"|(?:desk|direct|office|home|work|main)(?: line)?:|телефон|тел\b|моб|τηλ",
    MACHINE: r"trace|span\b|timestamp|epoch|nonce\b|hash|commit\b|sha\d*\b|uuid|guid|seed\b|offset|checksum|isbn|ean\b|upc\b|gtin|imei|iccid|tracking|snowflake|tweet"
    r"|bytes\b|size\b|duration|elapsed|port\b|pid\b|latitude|longitude|lat\b|lng\b|lon\b|coord",
    OTHER: r"invoice|order|account|acct\b|routing|mrn\b|policy\b|emp(?:loyee)?\b|ids?\b|zip\b|post(?:al)?\b|ref(?:erence)?\b|ticket|version|build\b|tax\b|ein\b|nid\b"
    r"|passport|licen[cs]e|serial|sku\b|case\b|claim|confirmation|member|batch\b|part\b|model\b|price|total\b|amount|count\b|date\b|nhs\b|medical record",
}
_UNCASED = {CARD: "カード|卡号|信用卡|카드|بطاقة|כרטיס", PHONE: "電話|电话|手机|携帯|전화|휴대폰|هاتف|جوال|טלפון|फ़ोन|फोन|โทร"}
"""Words of writing systems that part no words, or whose words take prefixes."""

_LABEL = on_use("(?<![^\\W_])(?:" + "|".join(f"(?P<{kind}>{words})" for kind, words in _WORDS.items()) + ")")
_LABEL_UNCASED = on_use("|".join(f"(?P<{kind}>{words})" for kind, words in _UNCASED.items()))
_HUMP = on_use(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])")
_JOINT = on_use(r"[_\-.:/]+")
_HEAD = on_use(r"(?:[+\-=|:\s]{1,400}\n)?([^\n]{1,400})\n")
"""The first line of a table, or the second one where the first only draws a border."""

_AFTER = on_use(r"[\s\-(,]{1,3}(?:office|fax|mobile|cell|home|work|desk|direct|voice)\b")


def is_word(mark: str) -> bool:
    """A letter or figure that a number cannot stand beside. Writing systems without capitals put no space between a word and a number."""
    return mark.isdigit() or mark.lower() != mark.upper()


def nearest(words: str) -> str:
    """The last label in small-lettered words; empty where there is none."""
    kind, at = "", -1
    for found in _LABEL.finditer(words):
        kind, at = found.lastgroup or "", found.start()
    if not words.isascii():
        for found in _LABEL_UNCASED.finditer(words):
            if found.start() > at:
                kind = found.lastgroup or ""
    return kind


@lru_cache(KEYS_KEPT_MAX)
def of_name(name: str) -> str:
    """What a key or a heading says: ``homePhone``, ``card_number`` and ``SSN`` are read as words."""
    return nearest(_JOINT.sub(" ", _HUMP.sub(" ", name[:KEY_CHARS_MAX])).lower())


def label(place: Place, at: int) -> str:
    """What the number at ``at`` is said to be: by its line, its column, the lines before, the key."""
    low = place.low
    if at == low:
        return of_name(place.key)
    before = _HUMP.sub(" ", place.text[max(low, at - CONTEXT_CHARS) : at]).lower()
    line = before.rfind("\n") + 1
    return nearest(before[line:]) or of_name(heading(place, at)) or (nearest(before) if line else "") or of_name(place.key)


def heading(place: Place, at: int) -> str:
    """The first line's cell above this one, where the leaf is a table with separators."""
    text, low = place.text, place.low
    line = text.rfind("\n", max(low, at - HEADING_CHARS), at) + 1
    head = _HEAD.match(text, low, line) if line else None
    if head is None:
        return ""
    for mark in "\t|;,":
        if mark in head[1]:
            cells, column = head[1].split(mark), text.count(mark, line, at)
            return cells[column] if column < len(cells) else ""
    return ""


def phone_after(place: Place, end: int) -> bool:
    """Contact lists write the kind of a number behind it: "21 253 109 8211 office"."""
    return _AFTER.match(place.after(end, 12)) is not None
