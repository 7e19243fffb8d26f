"""Letters that are drawn like Latin ones, and the spaces and dashes that stand for the usual ones.

The tables are fixed here, as those of hidden characters are, so that a message is read alike on each host.
"""

from __future__ import annotations

from mpp.model.hiddentext import HIDDEN_RANGES, MARK_RANGES

_ALIKE: tuple[tuple[str, str], ...] = (
    # Cyrillic
    ("АВЕКМНОРСТУХЅІЈЅԌԚԜҮҺЗ", "ABEKMHOPCTYXSIJSGQWYH3"),
    ("аеорсухѕіјһԁԛԝѵкмтгпьӏүԍ", "aeopcyxsijhdqwvkmtrnblyg"),
    # Greek
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹ", "ABEZHIKMNOPTYXC"),
    ("αγεηικνορτυωχϲϳσ", "ayenikvoptuwxcjo"),
    # Armenian
    ("ՍՏՕԼ", "USOL"),
    ("օսոցհյզգքալ", "ounghjqqpwl"),
    # Cherokee
    ("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ", "ABCDEGHIJKLMPRSTVWZ"),
    # Latin letters that no normal form makes plain
    ("ıȷɑɡɩʏʟɴɪʀʙʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢøØłŁđĐħŧ", "ijagiylnirbhacdejkmoptuvwzoOlLdDht"),
)
ALIKE: dict[str, str] = {one: plain for ones, plains in _ALIKE for one, plain in zip(ones, plains, strict=True)}
"""Each letter with the Latin one that it is drawn like."""

SPACES = "\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""Spaces of other widths, as they stand in a class of an expression."""
HYPHENS = "\u2010\u2011\u2043\u2212\ufe58\ufe63\uff0d"
"""Dashes that join, as a hyphen does."""
DASHES = "\u2012-\u2015\u2e3a\u2e3b\u30fc\u2500"
"""Dashes that part words of a sentence and stand for a hyphen only between digits."""
DOTS = "\u2024\u3002\uff61\ufe52"
"""Full stops that stand for a dot within an address."""
ATS = "\ufe6b\uff20"

DIGITS = (
    "\u0660-\u0669\u06f0-\u06f9\u07c0-\u07c9\u0966-\u096f\u09e6-\u09ef\u0a66-\u0a6f\u0ae6-\u0aef\u0b66-\u0b6f\u0be6-\u0bef\u0c66-\u0c6f"
    "\u0ce6-\u0cef\u0d66-\u0d6f\u0de6-\u0def\u0e50-\u0e59\u0ed0-\u0ed9\u0f20-\u0f29\u1040-\u1049\u1090-\u1099\u17e0-\u17e9\u1810-\u1819"
    "\u1946-\u194f\u19d0-\u19d9\u1a80-\u1a89\u1a90-\u1a99\u1b50-\u1b59\u1bb0-\u1bb9\u1c40-\u1c49\u1c50-\u1c59\ua620-\ua629\ua8d0-\ua8d9"
    "\ua900-\ua909\ua9d0-\ua9d9\ua9f0-\ua9f9\uaa50-\uaa59\uabf0-\uabf9\uff10-\uff19"
)
"""The decimal digits of all scripts but the usual ones, as they stand in a class."""
LETTERS = "\uff21-\uff3a\uff41-\uff5a\u24b6-\u24e9"
"""Latin letters drawn wide or in a circle."""
HIGH = "\U000104a0-\U000104a9\U00010d30-\U00010d39\U00011066-\U00011d59\U00011da0-\U00011da9\U00016a60-\U00016b59\U0001d400-\U0001d7ff\U0001e140-\U0001e959\U0001f100-\U0001f189\U0001fbf0-\U0001fbf9"
"""Letters and digits above U+FFFF that are drawn bold, in a box or otherwise, and the digits of scripts there."""
SMALL = "\xb2\xb3\xb9\u2070-\u209c\u2460-\u249b\u24ea\u1d2c-\u1d6a\u2c7c\u2c7d\ufb00-\ufb06\u2102-\u2115\u2119-\u211d\u2124-\u2139\u2145-\u2149\u2160-\u217f"
"""Small, numbered and joined forms. They are usual in a text, so only those next to a letter or digit count."""
JOINED_MARKS = "\uff0b\uff0e\uff3f\uff1a\uff08\uff09"
"""Wide marks of an address or a number. They are usual in Chinese and Japanese sentences."""
ACCENTED = "\xc0-\xd6\xd8-\xf6\xf8-\u024f\u1e00-\u1eff"


SPACE_CODES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)


def _ranges(ranges: tuple[tuple[int, int], ...], but: tuple[int, ...] = ()) -> str:
    """The ranges as they stand in a class, without ASCII and what lies above U+FFFF: a class of both is ten times slower."""
    out = []
    for low, last in ranges:
        first = max(low, 0x80)
        for code in (*(code for code in but if first <= code <= last), last + 1):
            out.append(f"{chr(first)}-{chr(code - 1)}" if code > first else "")
            first = code + 1
    return "".join(out)


_BELOW = tuple((first, last) for first, last in HIDDEN_RANGES if 0x80 <= last <= 0xFFFF and not 0xD800 <= first <= 0xDFFF)
HIDDEN = _ranges(_BELOW, SPACE_CODES) + "\ufe0e\ufe0f"
"""What nobody sees, as it stands in a class."""
HIGH_HIDDEN = "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010fffd"
MARKS = _ranges(MARK_RANGES)
HYPHEN_CODES = (0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2043, 0x2212, 0x2500, 0x2E3A, 0x2E3B, 0x30FC, 0xFE58, 0xFE63, 0xFF0D)
DOT_CODES = (0x2024, 0x3002, 0xFE52, 0xFF61)
