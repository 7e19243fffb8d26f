"""The clients that we know: where each keeps its configuration, and in which form it writes a server there. A table.

Paths are those that the clients name in their own documentation for Linux, macOS and Windows. Nothing here looks at a disk.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from mpp.errors import HostFailed, Refused
from mpp.model.fields import near
from mpp.model.jsontext import Json, shown
from mpp.model.value import value


@value
class Surroundings:
    """What decides where a user's files are."""

    environment: Mapping[str, str]
    platform: str
    """As ``sys.platform`` has it."""

    def home(self) -> str:
        found = self.environment.get("USERPROFILE" if self.platform == "win32" else "HOME", "") or self.environment.get("HOME", "")
        if not os.path.isabs(found):
            raise HostFailed("host.home", "this user has no home folder", hint="set HOME, or give --config FILE")
        return found

    def config(self) -> str:
        """Where programs of this system keep the settings of a user."""
        if self.platform == "darwin":
            return os.path.join(self.home(), "Library", "Application Support")
        if self.platform == "win32":
            return self.environment.get("APPDATA") or os.path.join(self.home(), "AppData", "Roaming")
        return self.xdg()

    def xdg(self) -> str:
        found = self.environment.get("XDG_CONFIG_HOME", "")
        return found if os.path.isabs(found) else os.path.join(self.home(), ".config")


@value
class Client:
    """One client. In paths, ``~`` is the home folder, ``@`` the folder of settings of the system, ``%`` that of XDG."""

    name: str
    title: str
    paths: tuple[str, ...]
    """The first is written to; the others are looked at too. ``$NAME/`` at the beginning counts where the variable is set."""
    key: tuple[str, ...] = ("mcpServers",)
    project: str = ""
    """The file in a project's folder, if the client reads one."""
    has_projects: bool = False
    """Are there servers of single projects in the user's file too?"""
    is_toml: bool = False
    as_list: bool = False
    """Does it write a command and its words as one list, and variables as ``environment``?"""
    more: tuple[tuple[str, Json], ...] = ()
    """What else the client wants to read in the entry of a server that it starts."""


CLIENTS: tuple[Client, ...] = (
    Client(name="claude", title="Claude Desktop", paths=("@/Claude/claude_desktop_config.json",)),
    Client(
        name="claude-code",
        title="Claude Code",
        paths=("$CLAUDE_CONFIG_DIR/.claude.json", "~/.claude.json"),
        project=".mcp.json",
        has_projects=True,
        more=(("type", "stdio"),),
    ),
    Client(name="cursor", title="Cursor", paths=("~/.cursor/mcp.json",), project=".cursor/mcp.json"),
    Client(
        name="vscode",
        title="VS Code",
        paths=("@/Code/User/mcp.json", "@/Code/User/profiles/*/mcp.json"),
        key=("servers",),
        project=".vscode/mcp.json",
        more=(("type", "stdio"),),
    ),
    Client(name="vscode-settings", title="VS Code (settings.json, older)", paths=("@/Code/User/settings.json",), key=("mcp", "servers")),
    Client(name="vscode-insiders", title="VS Code Insiders", paths=("@/Code - Insiders/User/mcp.json",), key=("servers",), more=(("type", "stdio"),)),
    Client(name="windsurf", title="Windsurf", paths=("~/.codeium/windsurf/mcp_config.json",)),
    Client(name="zed", title="Zed", paths=("%/zed/settings.json",), key=("context_servers",), project=".zed/settings.json", more=(("source", "custom"),)),
    Client(
        name="codex",
        title="Codex",
        paths=("$CODEX_HOME/config.toml", "~/.codex/config.toml"),
        key=("mcp_servers",),
        project=".codex/config.toml",
        is_toml=True,
    ),
    Client(name="gemini", title="Gemini CLI", paths=("~/.gemini/settings.json",), project=".gemini/settings.json"),
    Client(name="cline", title="Cline", paths=("@/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",)),
    Client(name="roo", title="Roo Code", paths=("@/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json",), project=".roo/mcp.json"),
    Client(
        name="copilot", title="Copilot CLI", paths=("$COPILOT_HOME/mcp-config.json", "~/.copilot/mcp-config.json"), more=(("type", "local"), ("tools", ["*"]))
    ),
    Client(name="kiro", title="Kiro", paths=("~/.kiro/settings/mcp.json",), project=".kiro/settings/mcp.json"),
    Client(
        name="opencode",
        title="opencode",
        paths=("%/opencode/opencode.json", "%/opencode/opencode.jsonc"),
        key=("mcp",),
        project="opencode.json",
        as_list=True,
        more=(("type", "local"), ("enabled", True)),
    ),
    Client(name="lmstudio", title="LM Studio", paths=("~/.lmstudio/mcp.json",)),
)

NAMES = tuple(one.name for one in CLIENTS)


def find_client(name: str) -> Client:
    for one in CLIENTS:
        if one.name == name:
            return one
    hint = near(name, NAMES) or f"known: {', '.join(NAMES)}"
    raise Refused("usage.client", f"there is no client {shown(name)!r}", hint=hint)


def client_of_file(path: str) -> Client | None:
    """The client that has files of such a name; None where several do or none does."""
    plain = path.replace(os.sep, "/")
    ends = {one.name: [*(end.lstrip("@~%$").partition("/")[2] for end in one.paths), *([one.project] if one.project else [])] for one in CLIENTS}
    found = [(len(end), name) for name, all_ in ends.items() for end in all_ if "*" not in end and f"/{plain}".endswith("/" + end)]
    return find_client(max(found)[1]) if found else None


def user_paths(client: Client, at: Surroundings) -> tuple[str, ...]:
    """The client's own files, the one to write first. A ``*`` in one stands for any name."""
    found: list[str] = []
    for one in client.paths:
        lead, _, rest = one.partition("/")
        base = {"~": at.home, "@": at.config, "%": at.xdg if at.platform != "win32" else at.config}.get(lead)
        folder = base() if base is not None else at.environment.get(lead[1:], "")
        if os.path.isabs(folder):
            found.append(os.path.join(folder, *rest.split("/")))
    return tuple(found)
