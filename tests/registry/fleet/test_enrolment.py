"""Coming into a fleet by a code, and being known from then on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mpp.errors import MppError, Refused
from mpp.host.audit.witness_list import WitnessList
from mpp.host.enrolment.documents import make_code, read_code
from mpp.host.enrolment.joining import refresh
from mpp.host.fleet import enrolled_root, fleet_settings
from mpp.testing.keys import publisher, rotated
from tests.registry.federation.worlds import SeededRandom
from tests.registry.fleet.worlds import ORG, World


def code_of(work: object) -> str:
    with pytest.raises(MppError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def test_a_code_says_whom_it_is_for_and_is_read_back() -> None:
    code = make_code(SeededRandom("x"), "ab" * 32, "cd" * 32)
    assert read_code(f" {code}\n") == code
    for text in ("", "mppe-", str(code)[:-1], str(code) + "0", str(code).upper(), "x" * 1000):
        assert code_of(lambda text=text: read_code(text)) == "registry.enrolment"


def test_a_host_comes_in_and_learns_whom_to_follow(world: World) -> None:
    world.ready()
    host = world.host()
    state = host.join(world.code())
    assert (state.fleet_id, state.registry_id, state.host_id) == (ORG.id, world.services.settings.registry_id, host.key.key_id)
    assert (state.policy_name, state.trust_name, state.name, state.url) == ("org", "org", "host-1", "http://127.0.0.1:9")
    assert [(one.name, one.url) for one in WitnessList(host.home.log).load()] == [("fleet", "http://127.0.0.1:9/v1/fleet/witness")]
    found = world.admin("GET", "/v1/fleet/hosts")["hosts"]
    assert isinstance(found, list)
    assert isinstance(found[0], dict)
    assert (found[0]["host_id"], found[0]["name"], found[0]["label"], found[0]["status"]) == (host.key.key_id, "host-1", "laptops", "active")
    codes = world.admin("GET", "/v1/fleet/codes")["codes"]
    assert isinstance(codes, list)
    assert isinstance(codes[0], dict)
    assert codes[0]["host_id"] == host.key.key_id
    assert "mppe" not in json.dumps(codes)


def test_a_lost_answer_is_asked_for_again_by_the_same_host(world: World) -> None:
    world.ready()
    code, host = world.code(), world.host()
    host.join(code)
    assert host.join(code).host_id == host.key.key_id
    world.clock.moment += 3601
    assert code_of(lambda: host.join(code)) == "registry.fleet"


def test_a_code_holds_once_and_people_hear_of_the_second_who_comes_with_it(world: World) -> None:
    world.ready()
    code, first, thief = world.code(), world.host(), world.host()
    first.join(code)
    assert code_of(lambda: thief.join(code)) == "registry.fleet"
    found = world.admin("GET", "/v1/fleet/alarms")["alarms"]
    assert isinstance(found, list)
    assert [(one["host_id"], one["kind"]) for one in found] == [(first.key.key_id, "code")]  # type: ignore[index, call-overload]
    assert len(world.admin("GET", "/v1/fleet/hosts")["hosts"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("late", [False, True])
def test_a_code_that_is_none_or_too_late_lets_nobody_in(world: World, late: bool) -> None:
    world.ready()
    code = world.code(seconds=60)
    if late:
        world.clock.moment += 61
    else:
        code = code[:5] + "0" * 40 + code[45:]
    assert code_of(lambda: world.host().join(code)) == "registry.fleet"
    assert world.admin("GET", "/v1/fleet/hosts")["hosts"] == []


def test_without_a_signer_there_are_no_codes(world: World) -> None:
    assert code_of(world.code) == "registry.fleet"


@pytest.mark.parametrize("wanted", [{"seconds": 0}, {"seconds": 31 * 86400}, {"label": ""}, {"label": "a\u202eb"}, {"policy": "Not A Name"}])
def test_what_no_code_is_made_for(world: World, wanted: dict[str, object]) -> None:
    world.ready()
    assert code_of(lambda: world.code(**wanted)).startswith("registry.")  # type: ignore[arg-type]


def test_an_answer_of_somebody_else_makes_nobody_a_member(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who is on the way answers with a registry, or a fleet, of their own."""
    other = World(tmp_path_factory.mktemp("other"), "other")
    try:
        for one in (world, other):
            one.ready()
        code, host = world.code(), world.host()
        host.web.world = other
        assert code_of(lambda: host.join(code)) == "registry.fleet", "another registry takes no request for ours"
        host.web.world = world
        mixed = replace(read_code(code), fleet_id="cd" * 32)
        assert code_of(lambda: host.join(str(mixed))) == "registry.enrolment", "another signer than the code says"
        host.web.twist = lambda answer: replace(answer, body=answer.body.replace(b"eyJm", b"eyJn", 1))
        assert code_of(lambda: host.join(world.code())) == "registry.enrolment"
    finally:
        other.close()


def test_an_older_answer_fits_no_other_request(world: World) -> None:
    world.ready()
    host, kept = world.host(), []
    host.web.twist = lambda answer: (kept.append(answer), answer)[1]
    code = world.code()
    host.join(code)
    host.web.twist = lambda _: kept[0]
    assert code_of(lambda: host.join(code)) == "registry.enrolment"


def test_a_home_in_one_fleet_is_not_moved_to_another(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    strange = replace(read_code(world.code()), fleet_id="cd" * 32)
    assert code_of(lambda: host.join(str(strange))) == "policy.publisher"


def test_names_and_keys_are_asked_anew(world: World) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    newer = rotated(ORG, "next")
    world.admin("PUT", "/v1/fleet/root", newer.chain.data)
    after = refresh(host.home, clock=host.clock, random=host.random, web=host.web)
    assert len(after.fleet.roots) == 2
    world.admin("DELETE", f"/v1/fleet/hosts/{host.key.key_id[:16]}")
    assert code_of(lambda: refresh(host.home, clock=host.clock, random=host.random, web=host.web)) == "registry.fleet"
    assert host.join(world.code()).host_id == host.key.key_id


def test_the_signer_of_a_fleet_goes_on_and_is_never_another(world: World) -> None:
    world.ready()
    newer = rotated(ORG, "next")
    assert world.admin("PUT", "/v1/fleet/root", newer.chain.data + b"\n")["version"] == 2
    assert world.admin("PUT", "/v1/fleet/root", newer.chain.data)["version"] == 2
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/root", ORG.chain.data)) == "policy.roots_behind"
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/root", rotated(ORG, "other").chain.data)) == "policy.roots_fork"
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/root", publisher("Other").chain.data)) == "policy.publisher"
    assert code_of(lambda: world.admin("PUT", "/v1/fleet/root", b"{}")) == "trust.roots"


def test_the_machines_files_make_it_one_of_the_fleet_and_keep_what_was_fixed(world: World) -> None:
    world.ready()
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    settings = fleet_settings(host.system)
    assert (settings.is_fleet, settings.policy_name) == (True, "org")
    chain = enrolled_root(settings, host.system)
    assert chain is not None
    assert chain.publisher_id == ORG.id
    path = host.system.path("config.toml")
    with open(path, "a", encoding="utf-8") as stream:
        stream.write('home = "/srv/\\"a\\\\b"\napproval_strength = "passphrase"\n')
    host.become_fleet()
    after = fleet_settings(host.system)
    assert (after.home, after.approval_strength) == ('/srv/"a\\b', "passphrase")


def test_a_machine_of_another_signer_or_policy_is_not_taken_over(world: World) -> None:
    from mpp.host.enrolment.machine import machine_files

    world.ready()
    host = world.host()
    host.join(world.code())
    host.become_fleet()
    assert code_of(lambda: machine_files(publisher("Other").chain, "org", host.system)) == "policy.publisher"
    assert code_of(lambda: machine_files(ORG.chain, "loose", host.system)) == "policy.name"
    newer = rotated(ORG, "next")
    files = machine_files(newer.chain, "org", host.system)
    from mpp.host.enrolment.machine import check_writable, install_machine

    install_machine(files, host.system)
    assert code_of(lambda: machine_files(ORG.chain, "org", host.system)) == "policy.roots_behind"
    assert code_of(lambda: machine_files(rotated(ORG, "fork").chain, "org", host.system)) == "policy.roots_fork"
    check_writable(host.system)
    assert code_of(lambda: check_writable(replace(host.system, owner=host.system.owner + 1))) == "policy.enrolment"


def test_requests_of_hosts_are_theirs_once_and_whole(world: World) -> None:
    world.ready()
    host, other = world.host(), world.host()
    host.join(world.code())
    host.report()
    sent = host.web.sent[-1]
    assert sent.url.endswith("/v1/fleet/reports")
    assert world.answer(sent).status == 401
    assert b"registry.replay" in world.answer(sent).body
    assert b"registry.fleet" in world.answer(replace(sent, headers=other_headers(world, other, sent.body))).body
    changed = replace(sent, body=sent.body.replace(b"0.1.0", b"0.2.0"))
    assert b"registry.request" in world.answer(changed).body
    assert b"registry.request" in world.answer(replace(sent, headers={})).body


def other_headers(world: World, other: object, body: bytes) -> dict[str, str]:
    from hashlib import sha256

    from mpp.protocol.registry.requests import sign_request

    header = sign_request(
        other.key.signer, method="POST", target="/v1/fleet/reports", body_sha256=sha256(body).hexdigest(), audience=world.services.settings.registry_id,  # type: ignore[attr-defined]
        at=world.clock.now(), nonce="0" * 32,
    )  # fmt: skip
    return {"authorization": header}


def test_only_an_administrator_asks_for_what_is_the_administrators(world: World) -> None:
    from mpp_registry.fleet.endpoints import fleet_endpoints
    from mpp_registry.fleet.local import call

    world.ready()
    for row in fleet_endpoints():
        if row.auth == "admin":
            target = row.path.replace("{host_id}", "ab" * 32).replace("{name}", "org")
            with pytest.raises(Refused) as caught:
                call(world.services, row.method, target, b"{}")
            assert caught.value.code == "registry.forbidden"
    with pytest.raises(Refused) as caught:
        call(world.services, "GET", "/v1/fleet/nothing")
    assert caught.value.code == "registry.absent"
