"""What is written is read, page by page, and private packages by nobody whom they do not concern."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mpp.errors import HostFailed, Refused
from mpp.protocol.registry.events import Owner
from mpp.protocol.registry.state import PackageState
from mpp_registry.catalog import reading
from mpp_registry.catalog.counting import Downloads
from mpp_registry.catalog.cursors import read_cursor, write_cursor
from mpp_registry.catalog.limits import COUNTED_MAX, PAGE_ITEMS_MAX
from mpp_registry.catalog.search import search
from mpp_registry.catalog.types import DayRow, NamespaceRow, OwnerRow, PackageRow, Page, Totals, VersionFiles, Viewer
from mpp_registry.catalog.writing import count_downloads, follow_state, put_package, put_publisher, put_version, set_owners, set_status
from mpp_registry.store.ports import Database
from tests.registry.worlds import ALICE, BOB, EVE, NOW

from .filling import a_package, a_publisher, a_version, put

ONE = "com.example.one"
ADMIN = Viewer(is_admin=True)
FILES = VersionFiles(manifest=b"{}", readme=b"# Read", sbom=b"", provenance=b"{1}")


def ids(page: Page[PackageRow]) -> list[str]:
    return [one.package_id for one in page.items]


def walked(ask: Callable[[str], Page[PackageRow]]) -> list[str]:
    """All pages, one after the other."""
    found, cursor = list[str](), ""
    for _ in range(100):
        page = ask(cursor)
        found += ids(page)
        cursor = page.next
        if not cursor:
            return found
    pytest.fail("the pages have no end")


def test_a_package_with_all_that_belongs_to_it(database: Database) -> None:
    row = a_package(ONE, title="One", summary="Does one thing", keywords="a b", publisher_name="Alice")
    with database.write() as rows:
        put_publisher(rows, a_publisher(ALICE, "Alice"))
        put(rows, ONE, ALICE, BOB, title="One", summary="Does one thing", keywords="a b")
        put_version(rows, a_version(ONE, "1.0.0"), FILES)
    with database.read() as rows:
        assert reading.package(rows, ONE) == row
        assert reading.package(rows, "com.example.two") is None
        assert reading.owners(rows, ONE) == (
            OwnerRow(publisher_id=ALICE, role="owner", since=NOW, name="Alice"),
            OwnerRow(publisher_id=BOB, role="owner", since=NOW, name=""),
        )
        assert reading.version(rows, ONE, "1.0.0") == a_version(ONE, "1.0.0")
        assert reading.version(rows, ONE, "2.0.0") is None
        assert reading.files(rows, ONE, "1.0.0") == FILES
        assert reading.files(rows, ONE, "2.0.0") is None
        assert reading.publisher(rows, ALICE) == a_publisher(ALICE, "Alice")
        assert reading.publisher(rows, BOB) is None
        assert reading.with_content(rows, a_version(ONE, "1.0.0").content_hash) == (a_version(ONE, "1.0.0"),)
        assert reading.totals(rows) == Totals(packages=1, versions=1, publishers=1, downloads=0, leaves=0)


def test_a_change_keeps_what_was_first(database: Database) -> None:
    with database.write() as rows:
        put(rows, ONE)
        count_downloads(rows, {ONE: 3}, 20_000)
        put_package(rows, a_package(ONE, title="New", created_at=NOW + 9, updated_at=NOW + 9, latest="2.0.0"))
        set_owners(rows, ONE, [Owner(publisher_id=ALICE, role="maintainer"), Owner(publisher_id=BOB, role="owner")], NOW + 9)
        found = reading.package(rows, ONE)
        assert found is not None
        assert (found.created_at, found.updated_at, found.downloads, found.title, found.latest) == (NOW, NOW + 9, 3, "New", "2.0.0")
        assert [(one.publisher_id, one.role, one.since) for one in reading.owners(rows, ONE)] == [(ALICE, "maintainer", NOW), (BOB, "owner", NOW + 9)]
        put_publisher(rows, a_publisher(ALICE, "Alice"))
        put_publisher(rows, a_publisher(ALICE, "Alice & Co"))
        assert reading.package(rows, ONE).publisher_name == "Alice & Co"


def test_a_version_twice_fails(database: Database) -> None:
    with database.write() as rows:
        put_version(rows, a_version(ONE, "1.0.0"), FILES)
    with pytest.raises(HostFailed), database.write() as rows:
        put_version(rows, a_version(ONE, "1.0.0", size=9), FILES)
    with database.read() as rows:
        assert reading.version(rows, ONE, "1.0.0").size == 5


def test_status_of_a_version_and_what_it_makes_of_the_package(database: Database) -> None:
    state = PackageState(package_id=ONE, publisher_id=BOB, owners=(), versions=(), index=5)
    with database.write() as rows:
        put(rows, ONE)
        put_version(rows, a_version(ONE, "1.0.0"), FILES)
        assert set_status(rows, ONE, "1.0.0", "yanked", "broken") is True
        assert set_status(rows, ONE, "1.0.1", "yanked", "broken") is False
        follow_state(rows, state, NOW + 5)
        found = reading.package(rows, ONE)
        assert (found.latest, found.status, found.publisher_id, found.updated_at) == ("", "active", BOB, NOW + 5)
        version = reading.version(rows, ONE, "1.0.0")
        assert (version.status, version.reason) == ("yanked", "broken")
        # Before its first version nobody has published it.
        follow_state(rows, PackageState(package_id=ONE, publisher_id="", owners=(), versions=(), index=6), NOW)
        assert reading.package(rows, ONE).publisher_id == BOB
        follow_state(rows, PackageState(package_id="com.example.none", publisher_id="", owners=(), versions=(), index=6), NOW)


def test_versions_come_in_their_order_page_by_page(database: Database) -> None:
    numbers = ["0.9.0", "0.10.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0", "1.10.0", "10.0.0"]
    with database.write() as rows:
        for number in sorted(numbers):
            put_version(rows, a_version(ONE, number), FILES)
        put_version(rows, a_version("com.example.other", "5.0.0"), FILES)
    with database.read() as rows:
        found, cursor = list[str](), ""
        while True:
            page = reading.versions(rows, ONE, cursor, 3)
            assert len(page.items) <= 3
            found += [one.version for one in page.items]
            cursor = page.next
            if not cursor:
                break
        assert found == numbers[::-1]
        assert [one.version for one in reading.versions(rows, ONE).items] == numbers[::-1]


def test_lists_page_by_page(database: Database) -> None:
    names = [f"com.example.p{number:02d}" for number in range(11)]
    with database.write() as rows:
        for place, name in enumerate(names):
            # Pairs that changed at the same moment and were downloaded as often.
            put(rows, name, *((ALICE, BOB) if place % 2 else (ALICE,)), updated_at=NOW + place // 2)
            count_downloads(rows, {name: place // 2 * 10 + 1}, 20_000)
        put(rows, "com.examples.other", BOB)
    with database.read() as rows:
        # The other one changed at the moment of the first two, and its id comes after theirs.
        newest = [*names[:1:-1], "com.examples.other", *names[1::-1]]
        assert walked(lambda cursor: reading.newest(rows, cursor, 4)) == newest
        by_count = walked(lambda cursor: reading.popular(rows, cursor, 4))
        counts = [reading.package(rows, name).downloads for name in by_count]
        assert counts == sorted(counts, reverse=True)
        assert sorted(by_count) == sorted(newest)
        assert walked(lambda cursor: reading.by_id(rows, cursor, 4)) == [*names, "com.examples.other"]
        assert walked(lambda cursor: reading.by_id(rows, cursor, 4, "com.example")) == names
        assert walked(lambda cursor: reading.packages_of(rows, BOB, cursor, 2)) == [*names[1::2], "com.examples.other"]
        assert ids(reading.newest(rows, "", 0)) == newest[:1]
        assert len(reading.newest(rows, "", 10_000).items) == 12


def test_a_private_package_does_not_exist_for_strangers(database: Database) -> None:
    with database.write() as rows:
        put(rows, ONE, ALICE, visibility="private", title="Secret plan")
        put(rows, "com.example.open", ALICE)
        put_version(rows, a_version(ONE, "1.0.0"), FILES)
    with database.read() as rows:
        content = a_version(ONE, "1.0.0").content_hash
        for viewer in (Viewer(), Viewer(publisher_id=EVE)):
            assert reading.package(rows, ONE, viewer) is None
            assert ids(reading.packages_of(rows, ALICE, viewer=viewer)) == ["com.example.open"]
            assert reading.with_content(rows, content, viewer) == ()
            assert ids(search(rows, "secret", viewer=viewer)) == []
            assert ids(search(rows, ONE, viewer=viewer)) == []
        for page in (reading.newest(rows), reading.popular(rows), reading.by_id(rows), reading.by_id(rows, "", 9, "com.example"), search(rows, "")):
            assert ids(page) == ["com.example.open"]
        for viewer in (Viewer(publisher_id=ALICE), ADMIN):
            assert reading.package(rows, ONE, viewer).title == "Secret plan"
            assert ids(reading.packages_of(rows, ALICE, viewer=viewer)) == [ONE, "com.example.open"]
            assert len(reading.with_content(rows, content, viewer)) == 1
        assert ids(search(rows, "secret pl", viewer=Viewer(publisher_id=ALICE))) == [ONE]
        assert ids(search(rows, "public pl", viewer=Viewer(publisher_id=ALICE))) == []
        assert reading.totals(rows).packages == 1


def test_a_package_that_becomes_private_is_gone_from_search_and_counts(database: Database) -> None:
    with database.write() as rows:
        put(rows, ONE, title="Plan")
        assert ids(search(rows, "plan")) == [ONE]
        put_package(rows, a_package(ONE, title="Plan", visibility="private"))
        assert ids(search(rows, "plan")) == []
        assert reading.totals(rows).packages == 0
        put_package(rows, a_package(ONE, title="Plan"))
        assert ids(search(rows, "plan")) == [ONE]
        assert reading.totals(rows).packages == 1


# ------------------------------------------------------------ numbers


def test_downloads_of_days(database: Database) -> None:
    with database.write() as rows:
        put(rows, ONE)
        count_downloads(rows, {ONE: 2, "com.example.none": 5}, 20_000)
        count_downloads(rows, {ONE: 3}, 20_000)
        count_downloads(rows, {ONE: 1}, 20_002)
        count_downloads(rows, {}, 20_003)
    with database.read() as rows:
        assert reading.downloads(rows, ONE, 20_000, 20_002) == (DayRow(day=20_000, count=5), DayRow(day=20_002, count=1))
        assert reading.downloads(rows, ONE, 20_001, 20_001) == ()
        assert reading.package(rows, ONE).downloads == 6
        assert reading.totals(rows).downloads == 6


def test_downloads_are_counted_in_memory_and_written_together(database: Database) -> None:
    counting = Downloads()
    assert counting.flush(database, NOW) == 0
    with database.write() as rows:
        put(rows, ONE)
    for _ in range(3):
        counting.add(ONE)
    assert counting.flush(database, NOW) == 3
    assert counting.flush(database, NOW) == 0
    with database.read() as rows:
        assert reading.downloads(rows, ONE, NOW // 86_400, NOW // 86_400) == (DayRow(day=NOW // 86_400, count=3),)


def test_counts_that_could_not_be_written_are_kept(database: Database) -> None:
    class Broken:
        def write(self):
            raise HostFailed("registry.busy", "no")

    counting = Downloads()
    with database.write() as rows:
        put(rows, ONE)
    counting.add(ONE)
    with pytest.raises(HostFailed):
        counting.flush(Broken(), NOW)  # type: ignore[arg-type] # the part of a database that is used
    counting.add(ONE)
    assert counting.flush(database, NOW) == 2


def test_memory_of_counts_has_a_bound(database: Database) -> None:
    counting = Downloads()
    for number in range(COUNTED_MAX + 5):
        counting.add(f"com.example.p{number}")
    counting.add("com.example.p0")
    assert len(counting._counts) == COUNTED_MAX
    assert counting._counts["com.example.p0"] == 2


def test_namespaces_of_a_publisher(database: Database) -> None:
    with database.write() as rows:
        for name, who in (("com.b", ALICE), ("com.a", ALICE), ("com.c", BOB)):
            rows.run("INSERT INTO namespaces VALUES (?, ?, 'dns', 'proven', ?, ?, 0)", name, who, NOW, NOW)
    with database.read() as rows:
        found = reading.namespaces_of(rows, ALICE)
    made = (NamespaceRow(namespace=name, publisher_id=ALICE, method="dns", state="proven", proven_at=NOW, checked_at=NOW) for name in ("com.a", "com.b"))
    assert found == tuple(made)


# ------------------------------------------------------------ cursors


def test_a_cursor_comes_back() -> None:
    assert read_cursor(write_cursor("com.example.é", 2**52), (str, int)) == ("com.example.é", 2**52)


@pytest.mark.parametrize(
    "text", ["x", "!!!", "é", "A" * 600, write_cursor("a"), write_cursor(1), write_cursor("a", 1, 2), "W3RydWVd", "eyJhIjoxfQ", "W251bGxd", "WzEuNV0"]
)
def test_what_is_no_cursor_is_refused(text: str, database: Database) -> None:
    with pytest.raises(Refused) as caught:
        read_cursor(text, (str, int))
    assert caught.value.code == "registry.cursor"
    with database.read() as rows, pytest.raises(Refused):
        reading.newest(rows, text + "x" if text else "x")


def test_a_made_up_cursor_only_begins_elsewhere(database: Database) -> None:
    with database.write() as rows:
        put(rows, ONE)
    with database.read() as rows:
        for numbers in ((-5, ""), (2**52, "~"), (0, "' OR 1=1 --")):
            reading.newest(rows, write_cursor(*numbers))
            reading.popular(rows, write_cursor(*numbers))
        assert ids(reading.by_id(rows, write_cursor("'; DROP TABLE packages; --"))) == [ONE]
        for where, at in (("ranked", -3), ("ranked", 10**9), ("rest", -3), ("rest", 10**9), ("other", 0)):
            assert len(search(rows, "example", write_cursor(where, at)).items) <= PAGE_ITEMS_MAX
