"""Addresses of cryptocurrencies. Most carry a checksum of four bytes, so they need no word beside them.

An address of Ethereum is taken whether or not its capitals are right (EIP-55): nothing else is 0x and forty hex digits,
and its hash in Python takes a millisecond, which a text full of addresses would turn into minutes. Monero's likewise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from mpp.stages.privacy.detector import Detector, Hit, LIKELY, Place, SURE
from mpp.stages.privacy.detectors.labelled import detectors_of, edged, Kind
from mpp.stages.privacy.later import on_use

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_TO_USUAL = str.maketrans(_RIPPLE, _BASE58)
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_SIGNS, _BECH32_SIGNS = "[1-9A-HJ-NP-Za-km-z]", "[02-9ac-hj-np-z]"

_VERSIONS = {
    "1": (b"\x00", "bitcoin_address"),
    "3": (b"\x05", "bitcoin_address"),
    "L": (b"\x30", "litecoin_address"),
    "M": (b"\x32", "litecoin_address"),
    "D": (b"\x1e", "dogecoin_address"),
    "T": (b"\x41", "tron_address"),
    "r": (b"\x00", "ripple_address"),
}
"""By the first letter: the version byte that gives it, and the type."""

_PREFIXES = {"bc": "bitcoin_address", "ltc": "litecoin_address", "addr": "cardano_address", "cosmos": "cosmos_address"}
_FIVE_BITS = {sign: value for value, sign in enumerate(_BECH32)}
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_BASE58_FORM = on_use(edged(rf"[13LMDTr]{_SIGNS}{{24,34}}"))
_MONERO_FORM = on_use(edged(rf"[48][0-9AB]{_SIGNS}{{93}}"))
_BECH32_FORM = on_use(edged(rf"(?:bc|ltc|addr|cosmos)1{_BECH32_SIGNS}{{20,98}}"), re.IGNORECASE)


def base58check(text: str, version: bytes) -> bool:
    """25 bytes: version, hash and the first four bytes of the hash of both. Bitcoin's base58.cpp."""
    number = 0
    for sign in text:
        number = number * 58 + _BASE58.index(sign)
    if number >= 1 << 200:
        return False
    body = number.to_bytes(25, "big")
    digest = hashlib.sha256(hashlib.sha256(body[:21]).digest()).digest()
    return body[:1] == version and digest[:4] == body[21:]


def bech32(text: str) -> bool:
    """BIP 173 and BIP 350. A text in both cases is none."""
    if text not in {text.lower(), text.upper()}:
        return False
    prefix, _, body = text.lower().rpartition("1")
    values = [ord(one) >> 5 for one in prefix] + [0] + [ord(one) & 31 for one in prefix] + [_FIVE_BITS[one] for one in body]
    state = 1
    for one in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ one
        for bit, generator in enumerate(_GENERATORS):
            state ^= generator * (top >> bit & 1)
    return state in {1, _BECH32M}


def _base58_look(place: Place) -> Iterator[Hit]:
    found = _BASE58_FORM.match(place.text, place.at + 1)
    if found is None:
        if _MONERO_FORM.match(place.text, place.at + 1):
            yield Hit("monero_address", place.at + 1, place.at + 96, LIKELY)
    else:
        version, kind = _VERSIONS[found[0][0]]
        if base58check(found[0].translate(_TO_USUAL) if kind == "ripple_address" else found[0], version):
            yield Hit(kind, found.start(), found.end(), SURE)


def _bech32_look(place: Place) -> Iterator[Hit]:
    found = _BECH32_FORM.match(place.text, place.at)
    if found is not None and bech32(found[0]):
        yield Hit(_PREFIXES[found[0].lower().partition("1")[0]], found.start(), found.end(), SURE)


_WITH_DIGIT = "(?=[A-Za-z]{0,43}[0-9])"

KINDS = (
    Kind(type="bitcoin_address", labels=("bitcoin address", "btc address", "bitcoin wallet", "btc wallet"), form=rf"(?-i:[13]{_SIGNS}{{25,34}})"),
    Kind(
        type="ethereum_address",
        labels=("ethereum address", "eth address", "ethereum wallet", "eth wallet"),
        form="(?:0x)?[0-9a-f]{40}",
        alone="0x[0-9a-fA-F]{40}",
        probes=("0x[0-9a-fA-F]{40}[^0-9A-Za-z]",),
    ),
    Kind(
        type="solana_address",
        labels=("solana address", "solana wallet", "sol address", "sol wallet", "phantom wallet"),
        faint=("wallet address", "public key"),
        form=rf"(?-i:{_WITH_DIGIT}{_SIGNS}{{32,44}})",
    ),
)

DETECTORS = (
    Detector(
        name="base58_addresses",
        types=(*dict.fromkeys(kind for _, kind in _VERSIONS.values()), "monero_address"),
        probes=(f"[^0-9A-Za-z][1348LMDTr]{_SIGNS}{{24}}",),
        look=_base58_look,
    ),
    Detector(
        name="bech32_addresses",
        types=tuple(dict.fromkeys(_PREFIXES.values())),
        probes=(f"(?i)(?:bc|ltc|addr|cosmos)1{_BECH32_SIGNS}{{20}}",),
        look=_bech32_look,
    ),
    *detectors_of("crypto_labels", KINDS),
)

TYPES = tuple(dict.fromkeys(kind for detector in DETECTORS for kind in detector.types))
"""Every type that this module gives."""

__all__ = ["DETECTORS", "KINDS", "TYPES", "base58check", "bech32"]
