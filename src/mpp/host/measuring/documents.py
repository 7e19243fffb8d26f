"""Made-up answers of tools, with made-up values planted in them. Everything is drawn from one seed, so each run measures the same."""

from __future__ import annotations

import random
import string

from mpp.model.jsontext import Json
from mpp.model.value import value

_WORDS = [
    "the", "order", "was", "shipped", "after", "a", "second", "review", "by", "the", "team", "in", "charge", "of", "returns", "and", "the",
    "customer", "asked", "for", "an", "update", "on", "delivery", "times", "because", "weather", "delayed", "several", "trucks", "near", "the",
    "northern", "depot", "while", "stock", "levels", "stayed", "stable", "across", "all", "regions", "during", "the", "quarter",
]  # fmt: skip
_LETTERS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


@value
class Document:
    """A message with what was planted in it."""

    message: Json
    planted: tuple[str, ...]


class _Maker:
    """Records as tools give them: issues, log lines, orders, commits, key and value pairs."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - samples, not secrets

    def some(self, size: int, alphabet: str = _LETTERS) -> str:
        return "".join(self.draw.choices(alphabet, k=size))

    def prose(self, least: int, most: int) -> str:
        return " ".join(self.draw.choices(_WORDS, k=self.draw.randint(least, most))).capitalize() + "."

    def stamp(self) -> str:
        draw = self.draw.randint
        return f"2026-{draw(1, 12):02}-{draw(1, 28):02}T{draw(0, 23):02}:{draw(0, 59):02}:{draw(0, 59):02}Z"

    def uuid(self) -> str:
        return "-".join(self.some(size, _HEX) for size in (8, 4, 4, 4, 12))

    def record(self) -> dict[str, Json]:
        draw = self.draw.randint
        kinds: tuple[dict[str, Json], ...] = (
            {"id": draw(1, 10**9), "uuid": self.uuid(), "title": self.prose(3, 7), "text": self.prose(20, 70), "created_at": self.stamp(), "stars": draw(0, 5000),
             "labels": self.draw.sample(_WORDS, 3), "score": round(self.draw.random(), 6), "url": f"https://example.com/i/{draw(1, 99999)}"},
            {"ts": self.stamp(), "level": "INFO", "text": f"{self.prose(3, 6)} took {draw(1, 9999)}ms status={draw(200, 504)} trace={self.some(32, _HEX)}",
             "file": "/srv/app/" + "/".join(self.draw.sample(_WORDS, 3)), "line": draw(1, 4000)},
            {"order_id": f"ORD-{draw(0, 10**8):08}", "sku": "SKU-" + self.some(8, string.ascii_uppercase + string.digits), "qty": draw(1, 9),
             "price": round(self.draw.uniform(1, 900), 2), "text": self.prose(15, 50), "version": f"{draw(0, 9)}.{draw(0, 30)}.{draw(0, 99)}", "customer": None},
            {"sha": self.some(40, _HEX), "text": self.prose(5, 12), "files": ["src/" + "/".join(self.draw.sample(_WORDS, 2)) for _ in range(3)],
             "additions": draw(0, 900), "parent": self.some(40, _HEX), "build": f"2026.{draw(1, 12):02}.{draw(1, 28):02}.{draw(1, 9999)}"},
            {"key": self.draw.choice(_WORDS), "text": self.prose(15, 60), "nested": {"a": draw(0, 10**12), "b": [self.draw.random() for _ in range(4)],
             "c": {"x": self.prose(3, 6), "flag": True}}, "digest": "sha256:" + self.some(64, _HEX)},
        )  # fmt: skip
        return self.draw.choice(kinds)

    def value(self) -> str:
        draw = self.draw.randint
        area, exchange = self.draw.choice((212, 303, 415, 512, 617, 702, 808)), draw(230, 899)
        kinds = (
            f"{self.draw.choice(_WORDS)}.{self.draw.choice(_WORDS)}{draw(1, 99)}@example.com", f"({area}) {exchange}-{draw(0, 9999):04}", f"+1 {area} {exchange} {draw(0, 9999):04}",
            self._card(), f"{draw(101, 665):03}-{draw(10, 99)}-{draw(1000, 9999)}", _iban("DE", self.some(18, string.digits)), ".".join(str(draw(11, 223)) for _ in range(4)),
            f"postgres://{self.draw.choice(_WORDS)}:{self.some(12)}@db.example.com/main", "AKIA" + self.some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
            "ghp_" + self.some(36), "sk-proj-" + self.some(48), "sk-ant-" + "api03-" + self.some(93) + "AA", f"xoxb-{self.some(12, string.digits)}-{self.some(12, string.digits)}-{self.some(24)}",
            "sk_live_" + self.some(24), "AIza" + self.some(35),
        )  # fmt: skip
        return self.draw.choice(kinds)

    def _card(self) -> str:
        body = "4" + self.some(14, string.digits)
        return body + str(_luhn(body))


def _luhn(body: str) -> int:
    total = sum(sum(divmod(int(one) * 2, 10)) if place % 2 == 0 else int(one) for place, one in enumerate(reversed(body)))
    return -total % 10


def _iban(country: str, rest: str) -> str:
    number = int(rest + "".join(str(ord(one) - 55) for one in country) + "00")
    return f"{country}{98 - number % 97:02}{rest}"


def document(size: int, share: float, seed: int = 1) -> Document:
    """About ``size`` bytes of JSON, in which values are ``share`` of the characters."""
    maker = _Maker(seed)
    records: list[Json] = []
    planted: list[str] = []
    total = taken = 0
    while total < size:
        record = maker.record()
        total += len(str(record))
        while taken < share * total - 8:
            found = maker.value()
            if maker.draw.random() < 0.45:
                record[f"extra{len(planted)}"] = found
            else:
                words = str(record["text"]).split(" ")
                words.insert(maker.draw.randint(0, len(words)), found)
                record["text"] = " ".join(words)
            planted.append(found)
            taken += len(found)
        records.append(record)
    return Document(message={"status": "ok", "count": len(records), "results": records}, planted=tuple(planted))
