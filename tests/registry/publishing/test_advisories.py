"""Advisories, which everybody can prove, and reports, which people read."""

from __future__ import annotations

from hashlib import sha256

import pytest

from mpp.errors import Refused
from mpp.protocol.registry.bodies import AdvisoryBody, ReportBody
from mpp.protocol.registry.documents import AdvisoryDoc
from mpp.protocol.registry.events import AdvisoryPublished
from mpp.testing.keys import TestPublisher
from mpp_registry.advisories import advisories_page, close_report, list_advisories, publish_advisory, report, reports
from mpp_registry.advisories.limits import ADVISORIES_EACH_MAX, REPORT_SECONDS, REPORTS_ALL_MAX, REPORTS_EACH_MAX
from mpp_registry.publishing import publish
from tests.registry.publishing.worlds import ALICE, BOB, World, package

HELLO = "com.example.hello"


@pytest.fixture
def hello(joined: World) -> World:
    joined.publish(ALICE)
    return joined


def advise(
    world: World, who: TestPublisher | None = ALICE, name: str = "MPP-2026-1", package_id: str = HELLO, versions: tuple[str, ...] = ("1.0.0",)
) -> AdvisoryDoc:
    body = AdvisoryBody(advisory_id=name, package_id=package_id, versions=versions, severity="high", title="It reads too much", text="Update.")
    return publish_advisory(world.services, body, None if who is None else world.actor(who))


def code_of(call: object, *given: object, **other: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*given, **other)  # type: ignore[operator] # a function
    return refused.value.code


def test_the_log_has_the_digest_of_an_advisory(hello: World) -> None:
    found = advise(hello)
    assert hello.leaves()[-1] == AdvisoryPublished(advisory_id="MPP-2026-1", package_id=HELLO, versions=("1.0.0",), severity="high", sha256=found.sha256)
    document = hello.cell("SELECT document FROM advisories")
    assert isinstance(document, bytes)
    assert sha256(document).hexdigest() == found.sha256
    with hello.services.database.read() as rows:
        assert list_advisories(rows, package_id=HELLO) == (found,)


def test_who_may_warn(hello: World) -> None:
    assert code_of(advise, hello, BOB) == "registry.owned"
    assert advise(hello, None).title == "It reads too much"
    assert code_of(advise, hello, ALICE) == "registry.exists"
    assert code_of(advise, hello, ALICE, "MPP-2", "com.example.nothing") == "registry.absent"
    assert code_of(advise, hello, ALICE, "MPP-2", HELLO, ("9.9.9",)) == "registry.rule"
    assert code_of(advise, hello, ALICE, "MPP-2", HELLO, tuple(f"1.0.{n}" for n in range(201))) == "registry.length"


def test_pages_of_advisories(hello: World) -> None:
    names = [f"MPP-{number}" for number in range(5)]
    for name in names:
        advise(hello, ALICE, name)
        hello.clock.moment += name == "MPP-2"
    found: list[str] = []
    cursor = ""
    with hello.services.database.read() as rows:
        while True:
            page = advisories_page(rows, cursor, 2)
            found += [one.advisory_id for one in page.advisories]
            cursor = page.next
            if not cursor:
                break
        assert code_of(advisories_page, rows, "x.y", 2) == "registry.cursor"
    assert found == ["MPP-3", "MPP-4", "MPP-0", "MPP-1", "MPP-2"]


def test_advisories_of_private_packages_are_for_those_who_see_them(hello: World) -> None:
    publish(hello.services, package(ALICE, "com.example.quiet"), hello.actor(ALICE), "private")
    advise(hello, ALICE, "MPP-9", "com.example.quiet")
    with hello.services.database.read() as rows:
        assert not list_advisories(rows)
        assert len(list_advisories(rows, package_id="com.example.quiet")) == 1


def test_advisories_are_bounded(hello: World) -> None:
    with hello.services.database.write() as rows:
        rows.many(
            "INSERT INTO advisories (advisory_id, package_id, publisher_id, severity, document, published_at) VALUES (?, ?, 'x', 'low', ?, 1)",
            [(f"A-{number}", HELLO, b"{}") for number in range(ADVISORIES_EACH_MAX)],
        )
    assert code_of(advise, hello) == "registry.quota"


def tell(world: World, address: str = "192.0.2.1", text: str = "it steals", package_id: str = HELLO, contact: str = "") -> str:
    return report(world.services, ReportBody(package_id=package_id, version="1.0.0", kind="malware", text=text, contact=contact), address)


def test_people_read_reports_and_close_them(hello: World) -> None:
    name = tell(hello, contact="me@example.com")
    with hello.services.database.read() as rows:
        (found,) = reports(rows)
    assert (found.report_id, found.text, found.contact, found.state) == (name, "it steals", "me@example.com", "open")
    assert close_report(hello.services, name, "it does not")
    assert not close_report(hello.services, name, "again")
    with hello.services.database.read() as rows:
        assert not reports(rows)
        assert reports(rows, "closed")[0].answer == "it does not"
        assert not reports(rows, "closed", after=hello.clock.now())
    assert code_of(close_report, hello.services, "0", "x") == "registry.absent"


def test_the_address_of_a_reporter_is_not_kept(hello: World) -> None:
    tell(hello)
    assert "192.0.2.1" not in str(hello.cell("SELECT reporter FROM reports"))
    assert sha256(b"192.0.2.1").hexdigest() != hello.cell("SELECT reporter FROM reports"), "a plain digest of an address is soon guessed"


def test_one_address_reports_a_few_times_an_hour(hello: World) -> None:
    for _ in range(REPORTS_EACH_MAX):
        tell(hello)
    assert code_of(tell, hello) == "registry.rate"
    tell(hello, "192.0.2.2")
    hello.clock.moment += REPORT_SECONDS + 1
    tell(hello)


def test_many_addresses_fill_nothing(hello: World) -> None:
    for number in range(REPORTS_ALL_MAX):
        tell(hello, f"192.0.2.{number}")
    assert code_of(tell, hello, "198.51.100.1") == "registry.rate"


def test_what_makes_no_sense_is_refused(hello: World) -> None:
    publish(hello.services, package(ALICE, "com.example.quiet"), hello.actor(ALICE), "private")
    assert code_of(tell, hello, package_id="com.example.nothing") == "registry.absent"
    assert code_of(tell, hello, package_id="com.example.quiet") == "registry.absent", "that it exists is told to nobody"
    assert code_of(tell, hello, text="a\u202eb") == "registry.form"
    assert tell(hello, text="two\nlines")
