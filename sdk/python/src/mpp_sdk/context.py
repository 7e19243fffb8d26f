"""Who calls, and what for. Spec: spec/call-contract.md C-8, C-65."""

from __future__ import annotations

from typing import Any

from mpp_sdk import _host, _run


class Agent:
    """The agent that calls, as the host identified it."""

    __slots__ = ("behalf", "issuer", "key", "name", "proof")

    def __init__(self, found: dict[str, Any]) -> None:
        self.name: str = found.get("name", "")
        """May be empty."""
        self.proof: str = found.get("proof", "")
        """How sure the host is: ``anonymous``, ``launched``, ``token`` or ``signed``."""
        self.key: str = found.get("key", "")
        """The id of the key that signed, at ``signed``."""
        self.issuer: str = found.get("issuer", "")
        """Who vouches for the name, where somebody does."""
        self.behalf: list[dict[str, str]] = found.get("behalf", [])
        """For whom the agent acts, the nearest first: ``kind``, ``name``, ``proof``."""

    @property
    def is_verified(self) -> bool:
        """Whether the agent has proved its name to the host, by a token or a signature."""
        return self.proof in {"token", "signed"}

    def __repr__(self) -> str:
        return f"Agent(name={self.name!r}, proof={self.proof!r})"


class Package:
    """The package that this tool is part of."""

    __slots__ = ("id", "publisher", "sha256", "version")

    def __init__(self, found: dict[str, Any]) -> None:
        self.id: str = found.get("id", "")
        self.version: str = found.get("version", "")
        self.sha256: str = found.get("sha256", "")
        """The content hash."""
        self.publisher: str = found.get("publisher", "")


class Context:
    """The context of the call. It comes from the host alone. A parameter with this type is given it and is no argument of the tool."""

    __slots__ = ("_meta",)

    def __init__(self, meta: dict[str, Any]) -> None:
        self._meta = meta

    @property
    def agent(self) -> Agent:
        return Agent(self._meta.get("agent") or {})

    @property
    def user(self) -> str:
        """May be empty."""
        return self._text("user")

    @property
    def tenant(self) -> str:
        """May be empty."""
        return self._text("tenant")

    @property
    def invocation(self) -> str:
        """32 hex digits, new for each call."""
        return self._text("invocation")

    @property
    def package(self) -> Package:
        return Package(self._meta.get("package") or {})

    @property
    def tool(self) -> str:
        """The name of the tool."""
        return self._text("tool")

    def token(self, audience: str) -> str:
        """This context, signed by the host for a back end: ``audience`` is an https origin that the tool may reach."""
        return str(_host.call("context.get", {"audience": audience})["token"])

    def _text(self, key: str) -> str:
        found = self._meta.get(key)
        return found if isinstance(found, str) else ""

    def __repr__(self) -> str:
        return f"Context(agent={self.agent!r}, user={self.user!r}, tool={self.tool!r})"


def current() -> Context:
    """The context of the call that is under way."""
    if _run.now is None:
        raise RuntimeError("there is no call under way: the context exists while a tool runs")
    return Context(_run.now.meta)


def get(audience: str | None = None) -> dict[str, Any]:
    """Ask the host for the context; with ``audience`` also for ``token``, the same signed for that back end."""
    found: dict[str, Any] = _host.call("context.get", {} if audience is None else {"audience": audience})
    return found
