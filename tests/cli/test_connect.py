"""connect: one entry in, one entry out, and everything else as it was."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.client_world import claude, cursor, SECRET, TOKEN, user
from tests.cli.conftest import Mpp

__all__ = ("claude", "cursor", "user")


def test_in_and_out_again(mpp: Mpp, claude: Path, home: Path) -> None:
    before = claude.read_bytes()
    done = mpp("connect", "claude")
    assert done.code == 0
    assert "Wrote the entry 'mpp' of Claude Desktop" in done.out
    assert "In it, 4 servers bypass MPP. To move what can be moved: mpp protect claude" in done.err
    entry = json.loads(claude.read_bytes())["mcpServers"]["mpp"]
    assert os.path.isabs(entry["command"])
    assert entry["args"][-3:] == ["serve", "--agent", "claude"]
    assert entry["env"] == {"MPP_HOME": str(home)}
    copy = Path(done.err.splitlines()[0].partition(": ")[2])
    assert (copy.read_bytes(), copy.parent) == (before, claude.parent)
    again = mpp("connect", "claude", "--json").json
    assert (again["changed"], again["backup"], again["other_servers"]) == (False, None, 4)
    assert "starts MPP already" in mpp("connect", "claude").out
    assert mpp("connect", "claude", "--remove").code == 0
    assert claude.read_bytes() == before
    assert "does not start MPP already" in mpp("connect", "claude", "--remove").out


def test_nothing_is_written_to_look(mpp: Mpp, claude: Path) -> None:
    before = claude.read_bytes()
    done = mpp("connect", "claude", "--dry-run")
    assert "Would write the entry" in done.out
    assert '"serve"' in done.out
    told = mpp("connect", "claude", "--dry-run", "--json").json
    assert (told["changed"], told["would_change"], told["entry"]["args"][-1]) == (False, True, "claude")
    assert SECRET not in done.out + done.err
    assert TOKEN not in done.out + done.err
    assert claude.read_bytes() == before
    assert len(os.listdir(claude.parent)) == 1


def test_a_client_without_a_file_gets_one_and_one_that_is_not_there_does_not(mpp: Mpp, user: Path, cursor: Path) -> None:
    assert mpp("connect", "cursor").code == 0
    assert list(json.loads(cursor.read_bytes())["mcpServers"]) == ["mpp"]
    missing = mpp("connect", "windsurf")
    assert missing.code == 1
    assert "host.client_missing" in missing.err
    assert "--config" in missing.err


def test_a_named_file_says_whose_it_is(mpp: Mpp, user: Path) -> None:
    Path(".vscode").mkdir()
    assert mpp("connect", "--config", ".vscode/mcp.json").code == 0
    assert list(json.loads(Path(".vscode/mcp.json").read_bytes())) == ["servers"]
    assert mpp("connect", "--config", "some.json").code == 2
    assert mpp("connect", "zed", "--config", "some.json").code == 0
    assert list(json.loads(Path("some.json").read_bytes())) == ["context_servers"]


def test_a_link_is_told(mpp: Mpp, user: Path, cursor: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    cursor.symlink_to(real)
    done = mpp("connect", "cursor")
    assert f"{cursor} leads to {real}." in done.err
    assert cursor.is_symlink()
    assert "mpp" in real.read_text()


def test_the_list_of_clients(mpp: Mpp, claude: Path, cursor: Path) -> None:
    cursor.write_text("{")
    rows = {one["client"]: one["state"] for one in mpp("connect", "--json").json["clients"]}
    assert (rows["claude"], rows["cursor"], rows["zed"]) == ("not_connected", "cannot_be_read", "not_there")
    cursor.unlink()
    mpp("connect", "claude")
    shown = mpp("connect").out
    assert ["claude", "Claude", "Desktop", "connected"] in [line.split()[:4] for line in shown.splitlines()]
    assert "no file yet" in shown


WRONG = [(("nothing",), 2, "usage.client"), (("claude", "--config", "/absent/x.json"), 1, "host.client_missing")]


@pytest.mark.parametrize(("words", "code", "name"), WRONG)
def test_wrong_calls(mpp: Mpp, claude: Path, words: tuple[str, ...], code: int, name: str) -> None:
    done = mpp("connect", *words)
    assert done.code == code
    assert name in done.err


def test_a_file_that_does_not_parse_says_where(mpp: Mpp, cursor: Path) -> None:
    cursor.write_text('{\n  "mcpServers": {,}\n}')
    done = mpp("connect", "cursor")
    assert done.code == 1
    assert "line 2, column 18" in done.err
    assert cursor.read_text() == '{\n  "mcpServers": {,}\n}'


def test_a_system_on_which_a_client_has_no_place(mpp: Mpp, user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "nowhere")
    done = mpp("connect", "cursor")
    assert (done.code, "host.home" in done.err) == (1, True)
    assert mpp("connect").code == 1
