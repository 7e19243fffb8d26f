"""The two engines: one interface, the same places, and what happens without them."""

from __future__ import annotations

import random
import sys
import threading

import pytest

from mpp.errors import HostFailed, Refused
from mpp.stages.privacy import built_in, engine_hyperscan, Rules
from mpp.stages.privacy.engine import choose
from mpp.stages.privacy.engine_hyperscan import HyperscanScanner
from mpp.stages.privacy.engine_re2 import Re2Scanner
from mpp.stages.privacy.ports import ONCE, ONCE_AT, Scanner
from mpp.stages.privacy.views import PROBES

pytest.importorskip("hyperscan", reason="Hyperscan is not installed")
pytest.importorskip("re2", reason="RE2 is not installed")

MANY = 1_000_000
ALL = (*dict.fromkeys(probe for detector in built_in() for probe in detector.probes), *PROBES)
ODD = (
    "a+b",
    "a{2,4}b?",
    "(?i)x[a-c]{1,5}",
    "[0-9]{3,6}",
    "(?:ab|abab|b)c{0,2}",
    "[^0-9A-Za-z]1[0-9]{0,2}",
    r"[\x80-\xff]{2}",
    "[a-c][0-9]?[a-c]",
    r"a\n\x00\nb",
    "aab?b?b?|ab",
    "(?:a|ba|cba){2}",
)
PIECES = ["a", "b", "ab", "aab", "c", "cc", "1", "12", "123456", " ", "-", "x", "XaB", "\n\x00\n", "é", "€", "0x", "@", ".", ":", "\n"]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test compiles for itself."""
    monkeypatch.setattr("mpp.stages.privacy.engine._MADE_MAX", 0)


class Kept:
    """A store in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.loaded: list[str] = []

    def load(self, name: str) -> bytes | None:
        self.loaded.append(name)
        return self.files.get(name)

    def store(self, name: str, data: bytes) -> None:
        self.files[name] = data


def texts(pieces: list[str], count: int, length: int, seed: int = 7) -> list[bytes]:
    chance = random.Random(seed)
    return ["".join(chance.choices(pieces, k=chance.randrange(1, length))).encode() for _ in range(count)]


@pytest.fixture(scope="module")
def both() -> tuple[Scanner, Scanner]:
    return HyperscanScanner(ALL, None), Re2Scanner(ALL)


def test_both_engines_give_the_same_places_of_odd_expressions() -> None:
    first, second = HyperscanScanner(ODD, None), Re2Scanner(ODD)
    for text in texts(PIECES, 1500, 40):
        assert first.scan(text, MANY) == second.scan(text, MANY), text


def pieces_of_values() -> list[str]:
    chance = random.Random(3)
    digits = ["".join(chance.choices("0123456789", k=chance.randrange(1, 20))) for _ in range(40)]
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyzABCDEFXYZ", k=chance.randrange(1, 30))) for _ in range(40)]
    coded = ["".join(chance.choices("abcdef0123456789ABCDEF+/_-", k=chance.randrange(8, 70))) for _ in range(40)]
    labels = ["password", "passport", "iban", "ssn", "token", "card", "birth", "phone", "AKIA", "ghp" + "_", "sk" + "-", "eyJ", "-----BEGIN ", "Bearer "]
    signs = [" ", "-", ".", ":", "@", "/", "=", "%40", "&#64;", "\\n", "\n", '"', "(", ")", "+", ", ", "\n\x00\n", "https://", "ü", "x", "X", "0"]
    return [*digits, *words, *coded, *labels * 3, *signs * 8]


def test_both_engines_give_the_same_places_of_our_probes(both: tuple[Scanner, Scanner]) -> None:
    first, second = both
    found = 0
    for text in texts(pieces_of_values(), 400, 120):
        places = first.scan(text, MANY)
        assert places == second.scan(text, MANY), text
        found += len(places)
    assert found > 2000


def test_places_are_sorted_and_none_is_told_twice(both: tuple[Scanner, Scanner]) -> None:
    for text in texts(pieces_of_values(), 40, 200, seed=11):
        for scanner in both:
            places = scanner.scan(text, MANY)
            assert places == sorted(set(places))


@pytest.mark.parametrize("make", [lambda all_: HyperscanScanner(all_, None), Re2Scanner])
def test_a_scan_ends_when_there_are_too_many_places(make) -> None:
    scanner = make(("[0-9][a-z]",))
    assert len(scanner.scan(b"1a" * 100, 100)) == 100
    with pytest.raises(Refused) as fault:
        scanner.scan(b"1a" * 101, 100)
    assert fault.value.code == "privacy.limit"
    assert len(scanner.scan(b"1a" * 100, 100)) == 100, "the scanner can be used again"


@pytest.mark.parametrize("make", [lambda all_: HyperscanScanner(all_, None), Re2Scanner])
def test_a_foreign_expression_is_told_once(make) -> None:
    scanner = make((ONCE + "[0-9]", "ab", ONCE + "zz"))
    assert scanner.scan(b"\n\x00\n1 ab 22 33 ab", MANY) == [(ONCE_AT, 0), (5, 1), (14, 1)]
    assert scanner.scan(b"", MANY) == []


def test_many_threads_scan_with_one_scanner() -> None:
    scanner = HyperscanScanner(ODD, None)
    samples = texts(PIECES, 60, 2000, seed=5)
    wanted = [scanner.scan(text, MANY) for text in samples]
    wrong: list[int] = []

    def work() -> None:
        wrong.extend(number for number, text in enumerate(samples) if scanner.scan(text, MANY) != wanted[number])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_database_is_kept_and_used_again() -> None:
    kept = Kept()
    first = choose(("ab", "[0-9]{3}"), kept)
    assert first.name == "hyperscan"
    assert len(kept.files) == 1
    blob = dict(kept.files)
    second = choose(("ab", "[0-9]{3}"), kept)
    assert kept.files == blob
    assert second.scan(b"ab 123", MANY) == first.scan(b"ab 123", MANY) == [(0, 0), (3, 1)]
    assert second.digest == first.digest != choose(("ab",), kept).digest
    assert len(kept.files) == 2


def test_a_database_of_another_build_is_made_anew() -> None:
    kept = Kept()
    choose(("ab",), kept)
    (name,) = kept.files
    kept.files[name] = b"of another build" * 8
    assert choose(("ab",), kept).scan(b" ab", MANY) == [(1, 0)]
    assert kept.files[name] != b"of another build" * 8


def test_foreign_expressions_have_a_database_of_their_own() -> None:
    kept = Kept()
    choose(("ab",), kept)
    own = set(kept.files)
    scanner = choose((ONCE + "z", "ab", ONCE + "y"), kept)
    assert own < set(kept.files)
    assert scanner.scan(b"\n\x00\nab z", MANY) == [(3, 0), (3, 1)]
    assert scanner.scan(b"\n\x00\nab", MANY) == [(3, 1)]
    with pytest.raises(Refused):
        scanner.scan(b"\n\x00\nab z", 1)


def test_without_hyperscan_re2_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    for cache in (None, Kept()):
        scanner = choose(("ab",), cache)
        assert scanner.name == "re2"
        assert scanner.scan(b" ab", MANY) == [(1, 0)]


def test_without_an_engine_nothing_is_scanned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    monkeypatch.setitem(sys.modules, "re2", None)
    with pytest.raises(HostFailed) as fault:
        choose(("ab",), None)
    assert fault.value.code == "privacy.engine"


def test_what_hyperscan_cannot_compile_is_left_to_re2() -> None:
    assert choose((r"[^\x00-\xff]x|ab",), None).scan(b" ab", MANY) == [(1, 0)]
    with pytest.raises(HostFailed) as fault:
        choose(("(",), None)
    assert fault.value.code == "privacy.engine"


def test_a_set_without_memory_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Re2Scanner(("ab",))

    class Silent:
        def Match(self, text: bytes) -> list[int]:  # noqa: N802
            return []

    monkeypatch.setattr(scanner, "_sets", [(Silent(), [0])])
    with pytest.raises(HostFailed) as fault:
        scanner.scan(b"nothing", MANY)
    assert fault.value.code == "privacy.engine"


def test_a_scanner_has_a_bounded_number_of_expressions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_hyperscan, "EXPRESSIONS_MAX", 2)
    with pytest.raises(HostFailed) as fault:
        HyperscanScanner(("a", "b", "c"), None)
    assert fault.value.code == "privacy.engine"


def test_faults_of_an_engine_are_those_of_the_host() -> None:
    scanner = HyperscanScanner(("ab",), None)
    scanner._free.append(None)  # type: ignore[arg-type]
    scanner._database = hyperscan_without_scratch(scanner)
    with pytest.raises(HostFailed):
        scanner.scan(b"ab", MANY)
    with pytest.raises(HostFailed):
        Re2Scanner(("[",))


def hyperscan_without_scratch(scanner: HyperscanScanner):
    """A database as it comes from a file, which has no space of its own."""
    import hyperscan

    return hyperscan.loadb(hyperscan.dumpb(scanner._database), hyperscan.HS_MODE_BLOCK)


def test_a_kept_database_finds_what_a_fresh_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = HyperscanScanner(ALL, None)
    blob = fresh.dump()
    # What took longest is not worked out again: it is kept beside the database, under the same seal.
    monkeypatch.setattr(engine_hyperscan, "fixed_width", lambda _: pytest.fail("worked out again"))
    kept = HyperscanScanner(ALL, blob)
    assert (fresh.is_fresh, kept.is_fresh, kept._back) == (True, False, fresh._back)
    assert any(kept._back)
    text = b"ada@example.com 4111 1111 1111 1111 +1 415 555 2671 AKIA"
    assert kept.scan(text, MANY) == fresh.scan(text, MANY)


@pytest.mark.parametrize("cut", [0, 1, 2 * 3, 2 * 3 + 8])
def test_a_kept_database_that_is_cut_off_is_compiled_anew(cut: int) -> None:
    one = HyperscanScanner(("ab", "c+", "d"), None)
    again = HyperscanScanner(("ab", "c+", "d"), one.dump()[:cut])
    assert again.is_fresh
    assert again.scan(b"abccd", MANY) == one.scan(b"abccd", MANY)


def test_hyperscan_takes_all_probes_of_the_product() -> None:
    """Attack on ourselves: probes that it refuses, so that RE2 stands in unnoticed and a host starts for many seconds."""
    pytest.importorskip("hyperscan")
    rules = Rules(built_in(), lambda expressions: choose(expressions, None))
    assert rules.scanner.name == "hyperscan"
    assert len(rules.owners) < 3000
