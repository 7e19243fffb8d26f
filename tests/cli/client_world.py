"""What the tests of connect, protect and import share: a user's home with clients in it. All secrets are made up."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

SECRET = "made-" + "up-word-1234"
TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
CLAUDE = {
    "mcpServers": {
        "Git Hub": {"command": "npx", "args": ["-y", "@example/github@1.0.0"], "env": {"GITHUB_TOKEN": TOKEN, "LEVEL": "info"}},
        "web": {"url": "https://web.example.com/mcp", "headers": {"Authorization": "Bearer " + SECRET}},
        "worded": {"command": "worded", "args": ["--api-key", SECRET]},
        "asked": {"command": "asked", "env": {"KEY": "${input:key}"}},
    },
    "theme": "dark",
}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has Claude Desktop and Cursor."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    found = tmp_path / "ada"
    for name in (".config/Claude", ".cursor"):
        (found / name).mkdir(parents=True)
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(found))
    monkeypatch.setenv("npm_config_registry", "https://registry.example.com/")
    monkeypatch.setattr(sys, "platform", "linux")
    return found


@pytest.fixture
def claude(user: Path) -> Path:
    path = user / ".config/Claude/claude_desktop_config.json"
    path.write_text(json.dumps(CLAUDE, indent=2))
    return path


@pytest.fixture
def cursor(user: Path) -> Path:
    return user / ".cursor/mcp.json"
