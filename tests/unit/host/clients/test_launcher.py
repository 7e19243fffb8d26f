"""Our entry, and what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.host.clients.known import find_client
from mpp.host.clients.launcher import find_launcher, Launcher, looks_ours
from mpp.host.clients.servers import read_server
from mpp.model.jsontext import Json
from tests.unit.host.clients.world import LAUNCHER

ELSEWHERE = Launcher(command=("/usr/bin/python3", "-m", "mpp"), home="/srv/mpp", names_home=True)
OURS = "/opt/mpp/bin/mpp"


def test_the_script_beside_the_interpreter_is_taken(tmp_path: Path) -> None:
    python = tmp_path / "python"
    assert find_launcher(str(python), {}, "/h").command == (str(python), "-m", "mpp")
    (tmp_path / "mpp").write_text("#!")
    assert find_launcher(str(python), {}, "/h").command == (str(python), "-m", "mpp")
    (tmp_path / "mpp").chmod(0o755)
    assert find_launcher(str(python), {}, "/h").command == (str(tmp_path / "mpp"),)
    assert not find_launcher(str(python), {}, "/h").names_home
    assert find_launcher(str(python), {"MPP_HOME": "/h"}, "/h").names_home


def test_the_entry() -> None:
    assert LAUNCHER.entry(find_client("cursor")) == {"command": OURS, "args": ["serve", "--agent", "cursor"]}
    assert ELSEWHERE.entry(find_client("copilot")) == {
        "type": "local",
        "tools": ["*"],
        "command": "/usr/bin/python3",
        "args": ["-m", "mpp", "serve", "--agent", "copilot"],
        "env": {"MPP_HOME": "/srv/mpp"},
    }


ALIKE: list[tuple[Launcher, Json, bool, bool]] = [
    (LAUNCHER, LAUNCHER.entry(find_client("cursor")), True, True),
    (ELSEWHERE, ELSEWHERE.entry(find_client("zed")), True, True),
    (LAUNCHER, {"command": "/tmp/mpp", "args": ["serve", "--agent", "x"]}, False, True),
    (LAUNCHER, {"command": "mpp", "args": ["serve", "--agent", "x"]}, False, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "--http"]}, False, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "x", "more"]}, False, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "x"], "env": {"LD_PRELOAD": "/tmp/x.so"}}, False, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "x"], "env": {"MPP_HOME": "/tmp/other"}}, False, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "x"], "env": {"MPP_HOME": "/home/ada/.mpp"}}, True, True),
    (LAUNCHER, {"command": OURS, "args": ["serve", "--agent", "x"], "cwd": "/tmp"}, False, True),
    (ELSEWHERE, {"command": "/usr/bin/python3", "args": ["-m", "mpp", "serve", "--agent", "x"]}, False, True),
    (LAUNCHER, {"command": "npx", "args": ["mpp", "serve"]}, False, False),
    (LAUNCHER, {"command": OURS, "args": ["run", "x"]}, False, False),
    (LAUNCHER, {"url": "http://127.0.0.1:8730/mcp"}, False, False),
]


@pytest.mark.parametrize(("launcher", "item", "starts", "looks"), ALIKE)
def test_what_is_ours_and_what_only_looks_like_it(launcher: Launcher, item: Json, starts: bool, looks: bool) -> None:
    found = read_server("mpp", item, ("mcpServers",))
    assert (launcher.starts(found), looks_ours(found)) == (starts, looks)
