"""What the tests about clients share: a launcher that is always the same, and a book that takes what fits into memory."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

from mpp.host.clients.known import Client, find_client
from mpp.host.clients.launcher import Launcher
from mpp.host.clients.planning import Move
from mpp.host.clients.servers import Server

CASES = Path(__file__).parent / "cases"
LAUNCHER = Launcher(command=("/opt/mpp/bin/mpp",), home="/home/ada/.mpp", names_home=False)


class MemoryBook:
    """Takes everything."""

    def __init__(self, *names: str) -> None:
        self.moves: dict[str, Move | None] = dict.fromkeys(names)

    def names(self) -> frozenset[str]:
        return frozenset(self.moves)

    def store_name(self, server: str, key: str) -> str:
        return f"legacy-{server}-{key}"

    def why_not(self, move: Move) -> str:
        return ""

    def likeness(self, server: Server) -> Hashable:
        return server.command, server.url, server.env, server.headers

    def known(self, move: Move) -> str:
        return next((name for name, one in self.moves.items() if one is not None and one.server.command == move.server.command and move.server.command), "")

    def add(self, move: Move) -> None:
        self.moves[move.name] = move

    def remove(self, name: str) -> None:
        self.moves.pop(name, None)


def cases() -> list[tuple[Client, Path]]:
    """Each folder below ``cases/<client>``."""
    return [(find_client(one.parent.name), one) for one in sorted(CASES.glob("*/*")) if one.is_dir()]
