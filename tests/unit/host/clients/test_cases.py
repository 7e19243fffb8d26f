"""Each folder below cases: a file before, with our entry, and behind MPP, byte for byte; and what the plan says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.clients.config import Config
from mpp.host.clients.known import Client, NAMES
from mpp.host.clients.planning import make_plan, Plan
from tests.unit.host.clients.world import cases, LAUNCHER, MemoryBook

CASES = cases()
IDS = [f"{client.name}-{folder.name}" for client, folder in CASES]


def part(folder: Path, name: str) -> bytes:
    (found,) = folder.glob(f"{name}.*")
    return found.read_bytes()


def read(client: Client, folder: Path, name: str = "before") -> Config:
    return Config(client, part(folder, name), "the file")


def told(plan: Plan) -> str:
    lines = [f"moved {one.server.name!a} as {one.name}: {','.join(sorted(('!' if it.is_secret else '') + it.key for it in one.lifted))}" for one in plan.moves]
    return "".join(line + "\n" for line in [*lines, *(f"left {one.server.name!a}: {one.why}" for one in plan.left)])


@pytest.mark.parametrize(("client", "folder"), CASES, ids=IDS)
def test_our_entry_is_added_and_nothing_else_changes(client: Client, folder: Path) -> None:
    before = read(client, folder)
    after = before.with_ours(LAUNCHER.entry(client))
    assert after.data == part(folder, "after_connect")
    assert [one for one in after.servers() if LAUNCHER.starts(one)] == [one for one in after.servers() if one.name == "mpp"] != []
    # A second time there is nothing to do.
    assert after.with_ours(LAUNCHER.entry(client)).data == after.data
    gone = after.without(tuple(one for one in after.servers() if one.name == "mpp"))
    assert gone.servers() == before.servers()


@pytest.mark.parametrize(("client", "folder"), CASES, ids=IDS)
def test_all_servers_go_behind_mpp(client: Client, folder: Path) -> None:
    plan = make_plan(read(client, folder), LAUNCHER, MemoryBook(), lambda _: ())
    assert plan.after.data == part(folder, "after_protect")
    assert told(plan) == part(folder, "plan").decode()
    for move in plan.moves:
        for one in move.lifted:
            assert not one.is_secret or one.text.encode() not in plan.after.data


@pytest.mark.parametrize(("client", "folder"), CASES, ids=IDS)
def test_servers_come_back_into_a_file_that_changed(client: Client, folder: Path) -> None:
    before = read(client, folder)
    plan = make_plan(before, LAUNCHER, MemoryBook(), lambda _: ())
    ours = tuple(one for one in plan.after.servers() if one.name == "mpp")
    back = plan.after.without(ours).with_back(tuple(one.server for one in plan.moves), before)
    assert {(one.holder, one.name): before.entry(one) for one in before.servers()} == {(one.holder, one.name): back.entry(one) for one in back.servers()}


def test_the_cases_are_what_their_names_say() -> None:
    found = {f"{client.name}/{folder.name}": part(folder, "before") for client, folder in CASES}
    assert b"\r\n" in found["claude/windows"]
    assert b"\r\n" in found["codex/inside"]
    assert found["claude/windows"].startswith(b"\xef\xbb\xbf")
    assert found["claude/empty"] == b""
    assert b"\n\t\t" in found["claude/tabs"]
    assert {name.partition("/")[0] for name in found} <= set(NAMES)


def test_many_separate_line_ends_stay() -> None:
    """No line of the file gets another end than it had."""
    for client, folder in CASES:
        before = part(folder, "before")
        ends = b"\r\n" in before
        for name in ("after_connect", "after_protect"):
            after = part(folder, name)
            assert (after.count(b"\r\n") == after.count(b"\n")) is (ends or b"\n" not in after), (client.name, folder.name, name)
