"""Our entry into a file and out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mpp.errors import Refused
from mpp.host.clients.connecting import connection, removal, write
from mpp.host.clients.known import find_client
from tests.unit.host.clients.world import LAUNCHER

ME = os.geteuid()
CURSOR = find_client("cursor")


def test_in_and_out(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{\n  "mcpServers": {\n    "a": { "command": "a" }\n  }\n}\n')
    before = path.read_bytes()
    found = connection(CURSOR, str(path), LAUNCHER, ME)
    assert (found.changes, found.others) == (True, 1)
    copy = write(found, str(tmp_path / "home"))
    assert Path(copy).read_bytes() == before
    assert not connection(CURSOR, str(path), LAUNCHER, ME).changes
    write(removal(CURSOR, str(path), ME), str(tmp_path / "home"))
    assert path.read_bytes() == before
    assert not removal(CURSOR, str(path), ME).changes


def test_an_older_entry_of_ours_is_replaced_and_a_stranger_is_not(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text('{"mcpServers": {"mpp": {"command": "/old/mpp", "args": ["serve"]}}}')
    assert connection(CURSOR, str(path), LAUNCHER, ME).changes
    path.write_text('{"mcpServers": {"mpp": {"command": "/old/other", "args": ["serve"]}}}')
    for act in (lambda: connection(CURSOR, str(path), LAUNCHER, ME), lambda: removal(CURSOR, str(path), ME)):
        with pytest.raises(Refused) as fault:
            act()
        assert fault.value.code == "host.client_name"


def test_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    assert write(connection(CURSOR, str(path), LAUNCHER, ME), str(tmp_path / "home")) == ""
    assert path.read_text().endswith("}\n")
    assert not removal(CURSOR, str(tmp_path / "other.json"), ME).changes
