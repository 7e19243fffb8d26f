"""A console over a made home, and a browser of a few lines that asks it without a socket.

``console`` is a console with a session and an empty home; ``busy`` is one whose home has a record of some days (``tests.auditlogs.some_days``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from mpp.console.app import make_app
from mpp.console.desk import Desk
from mpp.console.headers import FORM, cookie_name
from mpp.console.sessions import Sessions
from mpp.host.fleet import PERSONAL
from mpp.host.home import Home
from mpp.testing.packages import NOW, TestClock, TestRandom
from tests.auditlogs import some_days, write

PORT = 8810
ORIGIN = f"http://127.0.0.1:{PORT}"


@dataclass
class Page:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def header(self, name: str) -> str:
        return "; ".join(item for one, item in self.headers if one == name)

    @property
    def words(self) -> str:
        """The page as a person reads it: without markup, spaces one by one."""
        plain = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", self.text, flags=re.DOTALL)
        return re.sub(r"\s+", " ", unescape(plain)).strip()

    @property
    def form_token(self) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.text)
        assert found is not None, "there is no form"
        return found[1]


@dataclass
class Console:
    """One console and one browser in front of it."""

    desk: Desk
    sessions: Sessions
    port: int = PORT
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = make_app(self.desk, self.sessions, self.port)

    @property
    def home(self) -> Path:
        return Path(self.desk.home.path)

    @property
    def clock(self) -> TestClock:
        assert isinstance(self.desk.clock, TestClock)
        return self.desk.clock

    def ask(
        self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, more: tuple[tuple[str, str], ...] = (), raw_path: bytes | None = None,
        peer: str = "127.0.0.1",
    ) -> Page:  # fmt: skip
        """One request. ``headers`` replace those that a browser sends (an empty one is left out); ``more`` are sent beside them."""
        sent = {"host": f"127.0.0.1:{self.port}", "sec-fetch-site": "same-origin", "sec-fetch-dest": "document"}
        if method == "POST":
            sent |= {"origin": f"http://127.0.0.1:{self.port}", "content-type": FORM}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={item}" for name, item in self.cookies.items())
        sent |= headers or {}
        parts = urlsplit(path)
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http", "path": parts.path,
            "raw_path": parts.path.encode() if raw_path is None else raw_path, "query_string": parts.query.encode(), "root_path": "",
            "headers": [(name.encode(), item.encode("latin-1")) for name, item in (*sent.items(), *more) if item], "client": (peer, 40000), "server": ("127.0.0.1", self.port),
        }  # fmt: skip
        page = asyncio.run(_asked(self.app, scope, body))
        for name, item in page.headers:
            if name == "set-cookie":
                key, _, rest = item.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return page

    def get(self, path: str, **more: object) -> Page:
        return self.ask("GET", path, **more)  # type: ignore[arg-type]

    def post(self, path: str, fields: Mapping[str, str] | None = None, *, form_token: str | None = None, **more: object) -> Page:
        """A form of ours, with the token that our pages put into it; ``form_token`` gives another one."""
        own = self.session_token if form_token is None else form_token
        pairs = [*([("form_token", own)] if own else []), *(fields or {}).items()]
        return self.ask("POST", path, body=urlencode(pairs).encode(), **more)  # type: ignore[arg-type]

    @property
    def session_token(self) -> str:
        found = self.sessions.find(self.cookies.get(cookie_name(self.port), ""))
        return found.form_token if found is not None else ""

    def enter(self) -> None:
        page = self.post("/enter", {"token": self.sessions.token})
        assert page.status == 303, page.text

    def follow(self, page: Page) -> Page:
        assert page.status == 303, page.text
        return self.get(page.header("location"))

    def another(self) -> Console:
        """A second browser in front of the same console."""
        found = Console(desk=self.desk, sessions=self.sessions, port=self.port)
        found.app = self.app
        found.enter()
        return found


async def _asked(app, scope, body: bytes) -> Page:
    sent: list[dict] = []
    bodies = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict:
        return bodies.pop(0) if bodies else {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = sent[0]
    data = b"".join(one.get("body", b"") for one in sent[1:])
    return Page(start["status"], [(name.decode("latin-1").lower(), item.decode("latin-1")) for name, item in start["headers"]], data)


def make_console(folder: Path, *, enter: bool = True, now: int = NOW, **changes: object) -> Console:
    """A console over the home ``folder``, at the time ``now``, which stands still. ``changes`` are fields of ``Desk``."""
    clock, random = TestClock(now), TestRandom()
    folder.mkdir(parents=True, exist_ok=True)
    desk = Desk(**{"home": Home(path=str(folder)), "clock": clock, "random": random, "user": "ada", "read_settings": lambda: PERSONAL} | changes)
    found = Console(desk=desk, sessions=Sessions(clock, random))
    if enter:
        found.enter()
    return found


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return make_console(tmp_path / "home")


@pytest.fixture
def busy(tmp_path: Path) -> Console:
    """Its home has a record of three days: calls of two packages by two agents, approvals, denials, a stop."""
    folder = tmp_path / "home"
    folder.mkdir()
    write(folder, some_days())
    return make_console(folder, now=NOW + 4 * 86_400)
