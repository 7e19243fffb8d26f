"""Search finds what a person means, on both databases alike, and nothing that was typed is a query language."""

from __future__ import annotations

import pytest

from mpp.protocol.registry.state import PackageState
from mpp_registry.catalog import search as ours
from mpp_registry.catalog.limits import QUERY_WORDS_MAX
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import Viewer
from mpp_registry.catalog.words import folded, query_words, words_of, words_text
from mpp_registry.catalog.writing import count_downloads, follow_state, put_package
from mpp_registry.store.ports import Database, Rows
from tests.registry.worlds import ALICE, NOW

from .filling import a_package, put


def found(rows: Rows, text: str, **more: object) -> list[str]:
    return [one.package_id.removeprefix("com.example.") for one in search(rows, text, **more).items]  # type: ignore[arg-type] # its own parameters


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as rows:
        put(rows, "com.example.crm-lookup", title="CRM lookup", summary="Finds customers by name", keywords="sales customers", more="find_customer list_orders")
        put(rows, "com.example.customers", title="Customer list", summary="Prints a table", keywords="report")
        put(rows, "com.example.weather", title="Wetter für Köln", summary="Looks at the sky over Cologne, not at customers", keywords="rain naïve")
        put(rows, "com.example.csv-tools", title="CSV tools", summary="Reads and writes tables", keywords="csv table")
    return database


def test_words_are_found_where_they_stand(filled: Database) -> None:
    with filled.read() as rows:
        assert found(rows, "csv") == ["csv-tools"]
        assert found(rows, "tabl") == ["csv-tools", "customers"]
        assert found(rows, "customers") == ["customers", "crm-lookup", "weather"]
        assert found(rows, "orders") == ["crm-lookup"]
        assert found(rows, "nothing") == []


def test_all_words_must_be_there_each_as_a_beginning(filled: Database) -> None:
    with filled.read() as rows:
        assert found(rows, "customer find") == ["crm-lookup"]
        assert found(rows, "cus pri") == ["customers"]
        assert found(rows, "customers sky csv") == []
        assert found(rows, "ustomers") == []
        # One letter finds itself alone.
        assert found(rows, "c") == []
        assert found(rows, "a table") == ["customers"]


def test_case_accents_and_signs_do_not_count(filled: Database) -> None:
    with filled.read() as rows:
        for text in ("koln", "KÖLN", "köln", "Ko\u0308ln", "für-köln!", "naive", "NAÏVE"):
            assert found(rows, text) == ["weather"], text


def test_the_id_comes_first(filled: Database) -> None:
    with filled.write() as rows:
        put(rows, "com.example.table", title="Something", summary="else")
        assert found(rows, "table")[0] == "table"
        assert found(rows, "com.example.customers")[0] == "customers"
        assert found(rows, "crm-lookup") == ["crm-lookup"]
        assert found(rows, "com.example.crm") == ["crm-lookup"]
        assert set(found(rows, "com.example")) == {"crm-lookup", "customers", "weather", "csv-tools", "table"}


def test_among_equals_the_known_one_comes_first(database: Database) -> None:
    with database.write() as rows:
        for name in ("one", "two", "three"):
            put(rows, f"com.example.{name}", title="Parser")
        count_downloads(rows, {"com.example.two": 5000}, 20_000)
        assert found(rows, "parser")[0] == "two"
        put(rows, "com.example.parser", title="Parser")
        assert found(rows, "parser")[:2] == ["parser", "two"]


ODD = (
    '"', "'", "a AND", "NOT csv", "csv OR", "NEAR(csv, 2)", "name:csv", "{name}:csv", "^csv", "csv*", "-csv", "(csv", "csv)", "'csv':*", "csv & | !", "\\", ":*", "%",
    "\x00csv", "csv\ud7ff", "𐓓csv", "csv𞤀b", "x" * 5000, "🦀", "中文", "ﬁ ﬂ ²",
)  # fmt: skip


def test_what_is_typed_is_no_query_language(filled: Database) -> None:
    with filled.read() as rows:
        for text in ODD:
            assert len(search(rows, text).items) <= 4, text
        assert found(rows, "csv* OR -naive") == []
        assert found(rows, 'csv"') == ["csv-tools"]
        assert found(rows, "name:csv") == []


def test_words_of_other_scripts_are_found(database: Database) -> None:
    with database.write() as rows:
        put(rows, "com.example.a", title="天気 予報 погода ᏣᎳᎩ 𞤀𞤣𞤤𞤢𞤥")
        for text in ("天気", "予", "ПОГОДА", "погод", "ᏣᎳᎩ", "𞤀𞤣𞤤𞤢𞤥"):
            assert found(rows, text) == (["a"] if len(text) > 1 else []), text


def test_a_changed_package_is_found_by_its_new_words_alone(filled: Database) -> None:
    with filled.write() as rows:
        put_package(rows, a_package("com.example.weather", title="Forecast"))
        assert found(rows, "koln") == []
        assert found(rows, "forecast") == ["weather"]
        assert rows.one("SELECT COUNT(*) FROM search_rows") == (4,)


def test_what_is_quarantined_or_revoked_is_not_found_until_it_is_back(filled: Database) -> None:
    name = "com.example.weather"
    for word in ("quarantined", "revoked"):
        with filled.write() as rows:
            put_package(rows, a_package(name, title="Wetter", status=word))
            assert found(rows, "wetter") == []
            follow_state(rows, PackageState(package_id=name, publisher_id=ALICE, owners=(), versions=(), index=9), NOW)
            assert found(rows, "wetter") == ["weather"]
            follow_state(rows, PackageState(package_id=name, publisher_id=ALICE, owners=(), versions=(), index=9), NOW)
            assert found(rows, "wetter") == ["weather"]


def test_the_index_is_sound_after_many_changes(filled: Database) -> None:
    with filled.write() as rows:
        for number in range(30):
            put(rows, f"com.example.p{number % 5}", title=f"Thing number{number}", visibility="private" if number % 7 == 0 else "public")
        if filled.kind == "sqlite":
            rows.run("INSERT INTO search_words (search_words, rank) VALUES ('integrity-check', 1)")
        public = {str(name) for (name,) in rows.all("SELECT package_id FROM packages WHERE visibility = 'public'")}
        assert {str(name) for (name,) in rows.all("SELECT package_id FROM search_rows")} == public
        # The last round has 25 to 29, and 28 is private.
        assert sorted(found(rows, "thing")) == ["p0", "p1", "p2", "p4"]
        assert found(rows, "number25") == ["p0"]
        assert found(rows, "number20") == []


# ------------------------------------------------------------ pages


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_pages_hold_each_package_once(database: Database, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Also those that come after the ones that were ranked."""
    monkeypatch.setattr(ours, "NAME_HITS_MAX", 4)
    monkeypatch.setattr(ours, "WORD_HITS_MAX", 6)
    with database.write() as rows:
        for number in range(20):
            put(rows, f"com.example.p{number:02d}", title="Common word" if number % 3 == 0 else "", summary="" if number % 3 == 0 else "a common word")
        seen, cursor, pages = list[str](), "", 0
        while True:
            page = search(rows, "common wor", cursor, most)
            assert len(page.items) <= most
            seen += [one.package_id for one in page.items]
            cursor, pages = page.next, pages + 1
            if not cursor or pages > 50:
                break
    assert len(seen) == len(set(seen)) == 20


def test_an_empty_search_is_a_list_of_the_newest(filled: Database) -> None:
    with filled.read() as rows:
        for text in ("", "  ", "!?"):
            assert len(found(rows, text)) == 4
            first = search(rows, text, "", 3)
            assert len(search(rows, text, first.next, 3).items) == 1


def test_own_private_packages_are_among_the_results(filled: Database) -> None:
    with filled.write() as rows:
        put(rows, "com.example.own", ALICE, title="CSV of the house", visibility="private")
        assert set(found(rows, "csv", viewer=Viewer(publisher_id=ALICE))) == {"own", "csv-tools"}
        assert found(rows, "csv", viewer=Viewer()) == ["csv-tools"]
        assert found(rows, "house", viewer=Viewer(publisher_id=ALICE)) == ["own"]


# ------------------------------------------------------------ words


def test_words() -> None:
    assert words_of("Com.Example.crm-lookup_v2, naïve Straße!") == ["com", "example", "crm", "lookup", "v2", "naive", "strasse"]
    ascii_text = "".join(map(chr, range(128))) * 2
    assert words_of(ascii_text) == words_of(ascii_text + "\u0301")
    assert folded(ascii_text).split() == folded(ascii_text + "\u0301").split() == words_of(ascii_text)
    assert folded("Ä, b-C") == " a b c "
    assert words_text("b a", "a c") == "b a c"
    assert words_of("x" * 100) == ["x" * 40]
    assert query_words("a b a") == ("a", "b")
    assert len(query_words(" ".join(f"w{number}" for number in range(20)))) == QUERY_WORDS_MAX
    assert query_words("") == ()
