"""A host's requests: addresses, refusals, and answers that are none."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mpp.errors import MppError, Refused
from mpp.host.enrolment.asking import Asking, check_address
from mpp.host.enrolment.documents import read_answer, read_enrolment, sign_answer, FleetAnswer, ANSWER_TYPE
from mpp.host.enrolment import reporting
from mpp.host.enrolment.reporting import make_report
from mpp.protocol.registry.signed_file import write_signed
from mpp.host.enrolment.state import EnrolmentFile, read_enrolled
from mpp.host.enrolment.wire import Answer
from mpp.testing.keys import publisher, rotated
from tests.registry.fleet.worlds import ORG, URL, World

REGISTRY = publisher("Example registry")
NONCE = "0" * 32


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize("url", ["https://a.example", "https://a.example:444/x/", "http://127.0.0.1:1", "http://localhost/"])
def test_addresses_that_a_host_asks(url: str) -> None:
    assert check_address(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["", "a.example", "http://a.example", "https://u:p@a.example", "https://a.example/?q", "https://a.example/#f", "https://a b", "https://[", "ftp://a"]
)
def test_addresses_that_it_does_not(url: str) -> None:
    assert code_of(lambda: check_address(url)) == "policy.address"


def test_what_a_registry_answers_instead_is_a_fault_of_its_kind(world: World) -> None:
    world.ready()
    host = world.host()
    asking = Asking(URL, world.services.settings.registry_id, host.key, host.clock, host.random, host.web)
    problem = b'{"type":"x","title":"No","status":%d,"detail":"it is so","code":"%s","hint":""}'
    for status, body, code in (
        (500, b"oops", "remote.answer"),
        (404, b"<html>", "remote.answer"),
        (503, problem % (503, b"registry.busy"), "remote.answer"),
        (429, problem % (429, b"registry.rate"), "remote.answer"),
        (403, problem % (403, b"registry.fleet"), "registry.fleet"),
        (302, b"", "remote.answer"),
    ):
        host.web.twist = lambda _, status=status, body=body: Answer(status=status, kind="", body=body)
        assert code_of(lambda: asking.ask("GET", "/v1/fleet/me", 1000)) == code


def answer(**more: str) -> FleetAnswer:
    made = FleetAnswer(nonce=NONCE, host_id="ab" * 32, fleet_roots=ORG.chain.data, policy_name="org", trust_name="", witness_key="")
    return replace(made, **more)


def judged(data: bytes, **more: object) -> str:
    return code_of(lambda: read_answer(data, **{"registry_id": REGISTRY.id, "fleet_id": ORG.id, "nonce": NONCE, **more}))  # type: ignore[arg-type]


def test_whose_answers_are_believed() -> None:
    data = sign_answer(answer(), REGISTRY.chain, REGISTRY.release[0])
    found, chain = read_answer(data, registry_id=REGISTRY.id, fleet_id=ORG.id, nonce=NONCE)
    assert (found, chain.publisher_id) == (answer(), REGISTRY.id)
    assert judged(data, registry_id="cd" * 32) == "registry.enrolment"
    assert judged(data, fleet_id="cd" * 32) == "registry.enrolment"
    assert judged(data, nonce="1" * 32) == "registry.enrolment"
    assert judged(data, known=rotated(REGISTRY, "next").chain) == "registry.enrolment"
    assert judged(sign_answer(answer(), REGISTRY.chain, ORG.release[0])) == "registry.enrolment"
    assert judged(b"{}") == "registry.enrolment"
    assert judged(b"x" * 2_000_000) == "registry.length"
    assert judged(write_signed(REGISTRY.chain, ANSWER_TYPE, b'{"mpp_fleet_answer":1}', REGISTRY.release)) == "registry.missing"


def test_an_enrolment_brings_a_sound_key() -> None:
    text = b'{"log_key":"","mpp_enrolment":1,"name":"%s","public":"%s","secret":"' + b"0" * 40 + b'"}'
    assert code_of(lambda: read_enrolment(text % (b"x", b"A" * 43 + b"="))) == "registry.form"
    assert code_of(lambda: read_enrolment(text % ("a\u202eb".encode(), b"A" * 43 + b"="))) == "registry.form"


def test_the_state_of_a_home_is_read_strictly(world: World) -> None:
    world.ready()
    host = world.host()
    file = EnrolmentFile(host.home)
    assert file.load() is None
    assert code_of(file.need) == "policy.enrolment"
    host.join(world.code())
    data = Path(file.path).read_bytes()
    assert read_enrolled(data, where="x") == file.load()
    assert os.stat(file.path).st_mode & 0o077 == 0
    assert code_of(lambda: read_enrolled(data.replace(b'"mpp_fleet":1', b'"mpp_fleet":2'), where="x")) == "policy.range"
    assert code_of(lambda: read_enrolled(data[:-1] + b',"more":1}', where="x")) == "policy.unknown_key"


def test_a_report_says_what_it_can(world: World) -> None:
    """A record that cannot be read is no reason to be silent about what is installed."""
    world.ready()
    host = world.host()
    host.join(world.code())
    empty = make_report(host.home, host.state, 5, "", (os.getuid(), 0))
    assert (empty.log_size, empty.log_key, empty.uses, empty.packages) == (0, "", (), ())
    os.makedirs(os.path.dirname(host.home.log.checkpoint), exist_ok=True)
    Path(host.home.log.checkpoint).write_bytes(b"nothing of ours")
    assert make_report(host.home, host.state, 5, "", (os.getuid(), 0)).log_size == 0


def test_a_report_is_bounded_and_a_home_that_left_sends_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    monkeypatch.setattr(reporting, "REPORT_PACKAGES_MAX", -1)
    with pytest.raises(Refused) as found:
        make_report(host.home, host.state, 5, "", (os.getuid(), 0))
    assert found.value.code == "registry.report"
    with pytest.raises(Refused) as found:
        reporting._reported(None, 5)
    assert found.value.code == "policy.enrolment"
