"""The points of Ed25519 that no sound signer makes: small order, mixed order, encodings that are not canonical. For vectors alone."""

from __future__ import annotations

from hashlib import sha512

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, PRIME) % PRIME
Point = tuple[int, int]

IDENTITY: Point = (0, 1)
EIGHT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")
"""A point of order 8."""


def add(one: Point, other: Point) -> Point:
    """The sum of two points."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % PRIME
    x3 = (x1 * y2 + x2 * y1) * pow(1 + product, -1, PRIME)
    return x3 % PRIME, (y1 * y2 + x1 * x2) * pow(1 - product, -1, PRIME) % PRIME


def times(number: int, point: Point) -> Point:
    """``number`` times ``point``."""
    found = IDENTITY
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def encoded(point: Point) -> bytes:
    """The canonical 32 bytes."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decoded(data: bytes) -> Point | None:
    """The point, also of an encoding that is not canonical; None if there is none."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, (number & 2**255 - 1) % PRIME
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x * x % PRIME != square:
        return None
    return (x if x & 1 == sign else PRIME - x) % PRIME, y


def point(data: bytes) -> Point:
    """The point of bytes that surely encode one."""
    found = decoded(data)
    if found is None:
        raise ValueError(data.hex())
    return found


_BASE_Y = 4 * pow(5, -1, PRIME) % PRIME
BASE = point(_BASE_Y.to_bytes(32, "little"))


def challenge(commitment: bytes, public: bytes, message: bytes) -> int:
    """The number that a signature answers."""
    return int.from_bytes(sha512(commitment + public + message).digest(), "little") % ORDER


def scalar(seed: bytes) -> int:
    """The secret number of a seed."""
    return (int.from_bytes(sha512(seed).digest()[:32], "little") & 2**254 - 8) | 2**254


def signature(seed: bytes, public: bytes, message: bytes, nonce: int, commitment: bytes) -> bytes:
    """The answer with a nonce and a commitment of choice."""
    return commitment + ((nonce + challenge(commitment, public, message) * scalar(seed)) % ORDER).to_bytes(32, "little")
