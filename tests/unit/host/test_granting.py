"""From declarations to rights: where each path is here, what is never given, and what changed between question and opening."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host import granting as subject
from mpp.host.granting import Places, open_rights, rights_for
from mpp.model.capabilities import Hardware, NetworkRule
from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, parse_manifest
from mpp.model.rights import Device, Folder, Rights
from mpp.model.scope import Scope, scope_of
from mpp.testing import packages


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = set(os.listdir("/proc/self/fd"))
    yield
    # What an earlier test forgot may be closed in the middle of this one; what this one opened must be closed.
    assert set(os.listdir("/proc/self/fd")) - before == set()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of the tool's own, with a file, beside a home of the host."""
    for name in ("data", "host-home/keys", "workspace/sub"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "data" / "file.txt").write_text("x")
    return tmp_path.resolve() / "data"


def manifest(read: tuple[str, ...] = (), write: tuple[str, ...] = (), hardware: Json = None, **more: Json) -> Manifest:
    changes: dict[str, Json] = {"capabilities/filesystem": {"read": [*read], "write": [*write]}, **more}
    if hardware is not None:
        changes["capabilities/hardware"] = hardware
    return parse_manifest(json.dumps(packages.manifest(changes)).encode())


def given(found: Manifest, data: Path, mappings: Mapping[str, str] | None = None, *, workspace: str = "", home: str = "") -> Rights:
    places = Places(home=home or str(data.parent / "host-home"), workspace=workspace, mappings=mappings or {})
    return rights_for(found, tenant="local", publisher_id="p", content_hash="c", places=places)


def codes(found: Manifest, data: Path, mappings: Mapping[str, str] | None = None, *, workspace: str = "", home: str = "") -> list[str]:
    with pytest.raises(Refused) as refused:
        given(found, data, mappings, workspace=workspace, home=home)
    assert all(fault.hint for fault in refused.value.faults)
    return [fault.code for fault in refused.value.faults]


# --- what is given


def test_nothing_declared_is_nothing_given(data: Path) -> None:
    rights = given(manifest(), data)
    assert rights == Rights(tenant="local", publisher_id="p", package_id="com.example.hello", content_hash="c")
    opened = open_rights(rights)
    assert opened.fds() == ()
    opened.close()


def test_all_that_is_declared_becomes_rights(data: Path) -> None:
    changes: dict[str, Json] = {
        "capabilities/network": ["api.example.com"],
        "capabilities/env_vars": ["API_REGION"],
        "capabilities/secrets": [{"name": "KEY", "host": "api.example.com", "header": "Authorization"}],
        "capabilities/storage": {"kv": {"max_bytes": 1000}},
    }
    rights = given(manifest(**changes), data)
    assert ([one.host for one in rights.network], rights.env, [one.name for one in rights.secrets], rights.kv_max_bytes) == (
        ["api.example.com"], ("API_REGION",), ["KEY"], 1000,
    )  # fmt: skip
    assert rights.private_hosts == ()


def test_a_path_is_found_where_it_is_with_links_resolved(data: Path) -> None:
    link = data.parent / "link"
    link.symlink_to(data)
    assert given(manifest(read=(f"{link}/file.txt",)), data).folders == (Folder(guest=f"{link}/file.txt", host=str(data / "file.txt"), write=False),)


def test_writing_wins_over_reading(data: Path) -> None:
    assert [one.write for one in given(manifest(read=(str(data),), write=(str(data),)), data).folders] == [True]


def test_a_mapping_gives_another_place_under_the_declared_name(data: Path) -> None:
    assert given(manifest(read=("/srv/tool",)), data, {"/srv/tool": str(data)}).folders == (Folder(guest="/srv/tool", host=str(data), write=False),)


def test_the_workspace_stands_where_the_owner_says(data: Path) -> None:
    workspace = str(data.parent / "workspace")
    found = given(manifest(read=("${workspace}",), write=("${workspace}/sub",)), data, workspace=workspace)
    assert found.folders == (
        Folder(guest="/workspace", host=workspace, write=False), Folder(guest="/workspace/sub", host=f"{workspace}/sub", write=True)
    )  # fmt: skip
    assert given(manifest(read=("/srv/x",)), data, {"/srv/x": "${workspace}/sub"}, workspace=workspace).folders[0].host == f"{workspace}/sub"
    assert given(manifest(read=("${workspace}",)), data, {"${workspace}": str(data)}).folders == (Folder(guest="/workspace", host=str(data), write=False),)


def test_a_workspace_that_nobody_named(data: Path) -> None:
    assert codes(manifest(read=("${workspace}",)), data) == ["call.workspace"]
    assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": "${workspace}"}) == ["call.workspace"]


def test_a_link_does_not_lead_out_of_the_workspace(data: Path) -> None:
    """Attack: a project from elsewhere with a link to the keys of whoever works in it."""
    workspace = data.parent / "workspace"
    (workspace / "out").symlink_to(data)
    (workspace / "in").symlink_to(workspace / "sub")
    assert codes(manifest(read=("${workspace}/out",)), data, workspace=str(workspace)) == ["call.workspace"]
    assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": "${workspace}/../data"}, workspace=str(workspace)) == ["call.workspace"]
    assert given(manifest(read=("${workspace}/in",)), data, workspace=str(workspace)).folders[0].host == str(workspace / "sub")
    assert given(manifest(read=("${workspace}/out",)), data, {"${workspace}/out": str(data)}, workspace=str(workspace)).folders[0].host == str(data)


# --- what is refused


@pytest.mark.parametrize("target", ["", "data", "./data", "../data", "~/data"])
def test_a_mapping_that_is_not_absolute(data: Path, target: str) -> None:
    assert codes(manifest(read=(str(data),)), data, {str(data): target}) == ["call.map"]


def test_a_mapping_for_what_is_not_declared(data: Path) -> None:
    assert codes(manifest(read=(str(data),)), data, {"/etc": "/etc", f"{data}/": str(data)}) == ["call.map", "call.map"]


def test_all_that_is_missing_is_named_at_once(data: Path) -> None:
    loop = data / "loop"
    loop.symlink_to(loop)
    found = manifest(read=("/no/such/a", str(loop), f"{data}/file.txt/below"), write=("/no/such/b",))
    assert codes(found, data, {"/x": "/y"}) == ["call.path_missing"] * 4 + ["call.map"]


def test_a_dangling_link_is_missing(data: Path) -> None:
    (data / "link").symlink_to("/no/such")
    assert codes(manifest(read=(f"{data}/link",)), data) == ["call.path_missing"]


NEVER = ["/", "/proc", "/proc/self", "/sys", "/sys/kernel", "/dev", "/dev/null", "/run", "/etc", "/var"]


@pytest.mark.parametrize("target", NEVER)
@pytest.mark.parametrize("way", ["mapping", "link", "workspace", "dots"])
def test_never_given_by_any_way(data: Path, target: str, way: str) -> None:
    if not os.path.exists(target):
        pytest.skip("not on this machine")
    if way == "mapping":
        assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": target}) == ["call.path_never"]
    elif way == "dots":
        assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": f"{data}/../../../../../../../../../..{target}"}) == ["call.path_never"]
    elif way == "link":
        (data / "link").symlink_to(target)
        assert codes(manifest(write=(f"{data}/link",)), data) == ["call.path_never"]
    else:
        assert codes(manifest(write=("${workspace}",)), data, workspace=target) == ["call.path_never"]


@pytest.mark.parametrize("target", ["host-home", "host-home/keys", ".", "host-home/new", "other/.mpp", "other/.mpp/keys"])
def test_a_home_of_a_host_is_never_given(data: Path, target: str) -> None:
    """Attack: the host's own home, what is in it, or a folder that holds it; and the homes of others."""
    (data.parent / "host-home" / "new").write_text("x")
    (data.parent / "other" / ".mpp" / "keys").mkdir(parents=True)
    assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": str(data.parent / target)}) == ["call.path_never"]


def test_a_home_behind_a_link_is_known(data: Path) -> None:
    (data.parent / "alias").symlink_to(data.parent / "host-home")
    for home in (str(data.parent / "alias"), str(data.parent / "host-home") + "/", str(data.parent / "x" / ".." / "host-home")):
        assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": str(data.parent / "host-home" / "keys")}, home=home) == ["call.path_never"]


def test_the_usual_home_is_never_given_while_another_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(data.parent / "person"))
    (data.parent / "person" / "work").mkdir(parents=True)
    assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": str(data.parent / "person")}) == ["call.path_never"]
    assert given(manifest(read=("/srv/x",)), data, {"/srv/x": str(data.parent / "person" / "work")})


@pytest.mark.parametrize("inside", ["", "/keys"])
def test_another_name_for_the_home_is_known(data: Path, monkeypatch: pytest.MonkeyPatch, inside: str) -> None:
    """As a bind mount gives it: the kernel finds the same folder under both names."""
    (data / "mounted" / "keys").mkdir(parents=True)
    real = subject._identity
    monkeypatch.setattr(subject, "_identity", lambda path: real(path.replace("data/mounted", "host-home")))
    assert codes(manifest(read=("/srv/x",)), data, {"/srv/x": f"{data}/mounted{inside}"}) == ["call.path_never"]


def test_a_neighbour_with_a_longer_name_is_not_the_home(data: Path) -> None:
    near = data.parent / "host-home2"
    near.mkdir()
    assert given(manifest(read=("/srv/x",)), data, {"/srv/x": str(near)}).folders[0].host == str(near)


def test_pipes_and_sockets_are_no_grants(data: Path) -> None:
    os.mkfifo(data / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(data)
        try:
            listening.bind("talk")
        finally:
            os.chdir(here)
        assert codes(manifest(read=(f"{data}/pipe", f"{data}/talk")), data) == ["call.path_kind"] * 2


# --- devices


LED: Json = [{"device": "led", "path": "/dev/led0", "mode": "w"}]


def test_a_device_is_mapped_to_a_character_device(data: Path) -> None:
    rights = given(manifest(hardware=LED), data, {"/dev/led0": "/dev/null"})
    assert rights.devices == (Device(guest="/dev/led0", host="/dev/null", mode="w"),)
    opened = open_rights(rights)
    assert stat.S_ISCHR(os.fstat(opened.device_fds[0]).st_mode)
    assert os.write(opened.device_fds[0], b"x") == 1
    with pytest.raises(OSError, match="descriptor"):
        os.read(opened.device_fds[0], 1)
    opened.close()


def test_what_is_no_device_or_never_given(data: Path) -> None:
    (data / "zero").symlink_to("/dev/zero")
    found = manifest(hardware=LED)
    assert given(found, data, {"/dev/led0": f"{data}/zero"}).devices[0].host == "/dev/zero"
    assert codes(found, data) == ["call.path_missing"]
    for target in (str(data), f"{data}/file.txt", "/dev", "/etc/passwd", "/dev/tty", "/dev/ptmx"):
        if os.path.exists(target):
            assert codes(found, data, {"/dev/led0": target}) == ["call.device"], target
    assert codes(found, data, {"/dev/led0": "dev/null"}) == ["call.map"]


# --- opening


def test_what_is_opened_is_what_was_named(data: Path) -> None:
    rights = given(manifest(read=(f"{data}/file.txt",), write=(str(data),)), data)
    opened = open_rights(rights)
    assert [os.readlink(f"/proc/self/fd/{fd}") for fd in opened.folder_fds] == [one.host for one in rights.folders]
    assert not any(os.get_inheritable(fd) for fd in opened.fds())
    opened.close()


CHANGES = ["a link in its place", "a link above it", "gone", "removed and made again as a link to itself"]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_since_the_question_is_not_opened(data: Path, change: str) -> None:
    (data / "sub").mkdir()
    other = data.parent / "workspace"
    rights = given(manifest(read=(f"{data}/file.txt", f"{data}/sub")), data)
    if change == "a link in its place":
        (data / "sub").rmdir()
        (data / "sub").symlink_to(other)
    elif change == "a link above it":
        (other / "file.txt").write_text("secret")
        (other / "sub").rmdir()
        (other / "sub").mkdir()
        data.rename(data.parent / "moved")
        data.symlink_to(other)
    elif change == "gone":
        (data / "sub").rmdir()
    else:
        (data / "file.txt").unlink()
        (data / "file.txt").symlink_to("file.txt")
    with pytest.raises(HostFailed) as fault:
        open_rights(rights)
    assert fault.value.code in {"host.changed", "host.file"}


def test_without_a_way_to_look_nothing_is_opened(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rights = given(manifest(read=(str(data),)), data)
    monkeypatch.setattr(subject.os.path, "realpath", lambda path, **_: path)
    with pytest.raises(HostFailed) as fault:
        open_rights(rights)
    monkeypatch.undo()
    assert fault.value.code == "host.changed"


# --- a part of what is declared


def narrowed(found: Manifest, data: Path, scope: Scope, mappings: Mapping[str, str] | None = None, workspace: str = "") -> Rights:
    places = Places(home=str(data.parent / "host-home"), workspace=workspace, mappings=mappings or {})
    return rights_for(found, tenant="local", publisher_id="p", content_hash="c", places=places, scope=scope)


def test_a_scope_leaves_a_part_of_what_is_declared(data: Path) -> None:
    changes: dict[str, Json] = {
        "capabilities/network": ["*.example.com"],
        "capabilities/env_vars": ["A", "B"],
        "capabilities/secrets": [{"name": "KEY", "host": "api.example.com", "header": "Authorization"}],
        "capabilities/storage": {"kv": {"max_bytes": 1000}},
    }
    found = manifest(read=(str(data),), hardware=[{"device": "null", "path": "/dev/null", "mode": "rw"}], **changes)
    rule = NetworkRule(host="api.example.com", wildcard=False, schemes=("https",), ports=(443,), methods=("GET",), paths=())
    rights = narrowed(found, data, Scope(network=(rule,), env=("B", "C"), kv_max_bytes=10, devices=(Hardware(device="null", path="/dev/null", mode="r"),)))
    assert rights == Rights(
        tenant="local", publisher_id="p", package_id="com.example.hello", content_hash="c", network=(rule,), env=("B",), kv_max_bytes=10,
        devices=(Device(guest="/dev/null", host="/dev/null", mode="r"),),
    )  # fmt: skip
    assert narrowed(found, data, scope_of(found)) == given(found, data)


def test_a_path_below_a_declared_one_is_placed_below_its_place(data: Path) -> None:
    (data / "in" / "deep").mkdir(parents=True)
    found = manifest(read=("/srv/files",))
    rights = narrowed(found, data, Scope(read=("/srv/files/in/deep", "/srv/other")), {"/srv/files": str(data)})
    assert rights.folders == (Folder(guest="/srv/files/in/deep", host=str(data / "in" / "deep"), write=False),)
    own = narrowed(manifest(read=(str(data),)), data, Scope(read=(f"{data}/in",)))
    assert own.folders == (Folder(guest=f"{data}/in", host=f"{data}/in", write=False),)
    # Placed by itself, wherever the one above it is.
    by_itself = narrowed(found, data, Scope(read=("/srv/files/in",)), {"/srv/files": "/nowhere", "/srv/files/in": str(data)})
    assert by_itself.folders == (Folder(guest="/srv/files/in", host=str(data), write=False),)


def test_what_is_left_out_needs_no_place(data: Path) -> None:
    found = manifest(read=("/not/here",), write=("${workspace}/out",))
    assert narrowed(found, data, Scope(), {"/not/here": "/neither"}).folders == ()
    with pytest.raises(Refused) as fault:
        narrowed(found, data, Scope(), {"/unknown": str(data)})
    assert fault.value.code == "call.map"


def test_a_path_to_write_is_placed_below_one_that_was_declared_for_writing(data: Path) -> None:
    """Attack: /a/b is declared for reading and lies elsewhere; a right to write /a/b/c must not be placed there."""
    for name in ("one/b/c", "two/c"):
        (data / name).mkdir(parents=True)
    found = manifest(read=("/a/b",), write=("/a",))
    places = {"/a": str(data / "one"), "/a/b": str(data / "two")}
    assert narrowed(found, data, Scope(write=("/a/b/c",)), places).folders == (Folder(guest="/a/b/c", host=str(data / "one/b/c"), write=True),)
    assert narrowed(found, data, Scope(read=("/a/b/c",)), places).folders == (Folder(guest="/a/b/c", host=str(data / "two/c"), write=False),)


def test_a_link_behind_a_declared_path_opens_nothing_narrower(data: Path) -> None:
    """Attack: the tool leaves a link in its folder, and the next, narrower right to it opens what the link leads to."""
    (data / "secret").mkdir()
    (data / "in").symlink_to(data / "secret")
    (data / "out").symlink_to("/etc")
    found = manifest(read=("/srv/files",), write=("${workspace}",))
    for way in ("in", "out"):
        with pytest.raises(Refused) as fault:
            narrowed(found, data, Scope(read=(f"/srv/files/{way}",)), {"/srv/files": str(data)})
        assert fault.value.code == "call.path_link"
    with pytest.raises(Refused) as fault:
        narrowed(found, data, Scope(write=("${workspace}/in",)), workspace=str(data))
    assert fault.value.code == "call.path_link"
    with pytest.raises(Refused) as fault:
        narrowed(found, data, Scope(write=("${workspace}/out",)), workspace=str(data))
    assert fault.value.code == "call.workspace"


def test_a_part_of_the_workspace(data: Path) -> None:
    workspace = data.parent / "workspace"
    found = manifest(write=("${workspace}",))
    rights = narrowed(found, data, Scope(write=("${workspace}/sub",)), workspace=str(workspace))
    assert rights.folders == (Folder(guest="/workspace/sub", host=str(workspace / "sub"), write=True),)
    mapped = narrowed(found, data, Scope(read=("${workspace}/sub",)), {"${workspace}": str(workspace)})
    assert mapped.folders == (Folder(guest="/workspace/sub", host=str(workspace / "sub"), write=False),)


def test_private_places_are_kept_where_a_rule_leads_to_them(data: Path) -> None:
    found = manifest(**{"capabilities/network": ["db.example.com:5432", "*.corp.example.com"]})
    asked = ("db.example.com:5432", "db.example.com:443", "crm.corp.example.com:443", "corp.example.com:443", "other.example.com:443", "db.example.com")
    places = Places(home=str(data.parent / "host-home"), mappings={})
    rights = rights_for(found, tenant="local", publisher_id="p", content_hash="c", places=places, private_hosts=asked)
    assert rights.private_hosts == ("db.example.com:5432", "crm.corp.example.com:443")
