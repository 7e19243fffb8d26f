"""The quick reader and writer give what the strict ones give, or what they refuse with."""

from __future__ import annotations

import json
import random

import pytest

from mpp.errors import Refused
from mpp.model import jsonquick, jsontext
from mpp.model.jsontext import Json

ODD = (
    b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"a":-0}', b'{"a":-0.0}', b'{"a":1.0}', b'{"a":1E5}', b'{"a":1e16}',
    b'{"a":18446744073709551615}', b'{"a":18446744073709551616}', b'{"a":-9223372036854775809}', b'{"a":123456789012345678901234567890}', b'{"a":0.1}', b'{"a":"\\ud800"}',
    b'{"a":"\\ud83d\\ude00"}', b'{"a":"\xf0\x9f\x98\x80"}', b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b"", b"null", b"[]", b' {"a": 1}', b'{"a":1}x', b'{"a":1}\n', b"[1,]", b"{",
    b"[" * 99 + b"]" * 99, b"[" * 100 + b"]" * 100, b"[" * 150 + b"]" * 150, b"[" * 2000 + b"]" * 2000, b'{"a":"' + b"[" * 300 + b'"}', b'"\x7f\\u001b\\n\\u2028"', b'{"a":"\\/"}',
    b'{"":{"":[]}}', b'{"a": 1, "a": 1}', b'{"a": 1, "b": ", \\": "}', b'{"a": [1, 2.50]}', b'{"a":  1}', b'{"a": ", ", "b": ": "}', b"[1 , 2]", b'{"a": "\\u0022, \\u0022b\\u0022: 1", "a": 2}', b"\xef\xbb\xbf{}", b'{"a":01}', b"[0,-1,true,false,null]", b'{"a":3.141592653589793}', b'{"a":5e-324}', b'{"a":1.7976931348623157e308}', b'{"a":"\t"}',
)  # fmt: skip


def told(data: bytes, quick: bool) -> object:
    try:
        found = (jsonquick if quick else jsontext).read(data, family="call", where="x")
    except Refused as fault:
        return fault.code, fault.where, str(fault)
    # Booleans, integers and decimals are equal in Python where they are not in JSON.
    return repr(found)


@pytest.mark.parametrize("data", ODD)
def test_odd_documents_read_alike(data: bytes) -> None:
    assert told(data, True) == told(data, False)


def made(chance: random.Random, depth: int = 0) -> Json:
    kind = chance.randrange(9 if depth < 4 else 7)
    if kind == 7:
        return [made(chance, depth + 1) for _ in range(chance.randrange(4))]
    if kind == 8:
        return {made_text(chance): made(chance, depth + 1) for _ in range(chance.randrange(4))}
    plain: tuple[Json, ...] = (None, True, False, chance.randrange(-(2**70), 2**70), chance.randrange(-99, 99), chance.uniform(-1e20, 1e20), made_text(chance))
    return plain[kind]


def made_text(chance: random.Random) -> str:
    return "".join(chance.choice('ab"\\/\n\t\x00\x1b\x7f\u00e9\u2028\u5bc6\U0001f600:,[{}.e0') for _ in range(chance.randrange(6)))


def test_made_documents_read_and_write_alike() -> None:
    chance = random.Random(7)
    for _ in range(1500):
        found = made(chance)
        for in_order in (False, True):
            plain = json.dumps(found, sort_keys=in_order, separators=(",", ":"), ensure_ascii=False).encode()
            assert jsonquick.compact(found, decimals=True, in_order=in_order) == plain
            if b"." not in plain and b"e" not in plain:
                assert jsonquick.compact(found, decimals=False, in_order=in_order) == plain
        for data in (plain, json.dumps(found).encode()):
            assert told(data, True) == told(data, False)
            # One byte changed, one taken out, one twice.
            at = chance.randrange(len(data))
            for other in (data[:at] + b"7" + data[at + 1 :], data[:at] + data[at + 1 :], data[:at] + data[at : at + 1] + data[at:]):
                assert told(other, True) == told(other, False)


def test_what_is_no_json_is_not_written() -> None:
    for decimals in (True, False):
        with pytest.raises(UnicodeEncodeError):
            jsonquick.compact({"a": "\ud800"}, decimals=decimals)
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsonquick.compact(float("nan"), decimals=True)
    assert jsonquick.compact(2**80, decimals=False) == str(2**80).encode()


def test_too_many_values_are_refused_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (jsonquick, jsontext):
        monkeypatch.setattr(module, "JSON_VALUES_MAX", 8)
    data = b"[" + b"1," * 9 + b"1]"
    assert told(data, True) == told(data, False) != repr([1] * 10)
