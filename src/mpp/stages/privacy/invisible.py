"""What to take out of the answers of tools: characters that show nothing and do nothing. Spec: F-100.

It stands apart from the description guard, because every call needs it and few need the guard.
"""

from __future__ import annotations

from mpp.stages.privacy.later import on_use

_EMOJI = "\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_SYMBOLS = _EMOJI + "\xa9\xae\u203c\u2049\u2100-\u218f"
# Scripts in which a joiner, or a non-joiner, changes how a word is written: Arabic with its sisters, Indic scripts, Khmer, Mongolian.
_JOINED = "\u0620-\u064a\u066e-\u06d3\u06d5\u06fa-\u06ff\u0710-\u074f\u0750-\u077f\u07ca-\u07ea\u08a0-\u08c9\u0900-\u0dff\u0f40-\u0fbc\u1000-\u109f\u1780-\u17d3\u1820-\u1878"
_FROM_THE_RIGHT = "\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"

_JOINT = rf"(?:(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])|(?:(?<=[{_EMOJI}])|(?<=[{_EMOJI}]\ufe0f))\u200d(?=[{_EMOJI}]))"
_MARK = rf"(?:(?<=[{_FROM_THE_RIGHT}])[\u061c\u200e\u200f]|[\u061c\u200e\u200f](?=[{_FROM_THE_RIGHT}]))"
_TAGS = "".join(f"{chr(0xE0000 + ord(one))}" for one in "gb")
# The three flags that are written with tags: England, Scotland, Wales.
_FLAGS = "|".join("".join(chr(0xE0000 + ord(one)) for one in land) for land in ("eng", "sct", "wls"))
_FLAG = f"(\U0001f3f4{_TAGS}(?:{_FLAGS})\U000e007f)"
_NOTHING = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Attack: many variation selectors behind one symbol. Only the first has a symbol before it.
_INVISIBLE = on_use(
    rf"{_FLAG}|[{_NOTHING}]|(?!{_JOINT})[\u200c\u200d]|(?!{_MARK})[\u061c\u200e\u200f]"
    rf"|(?<![{_SYMBOLS}0-9#*])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0e|(?<=[0-9#*])\ufe0f(?!\u20e3)"
)
JOINTS = on_use(_JOINT)
"""Joiners that do something, in an emoji or in a word."""


def strip_invisible(text: str) -> tuple[str, int]:
    """The text without characters that show nothing and do nothing, and how many there were.

    Stays: what joins an emoji, the first variation selector behind a symbol, joiners between letters of scripts that need them, direction marks at letters
    that are read from the right, three flags. Goes: zero-width characters, tags, embeddings, overrides and isolates, fillers, soft hyphens, other selectors.
    """
    if text.isascii():
        return text, 0
    kept = _INVISIBLE.sub(r"\1", text)
    return kept, len(text) - len(kept)
