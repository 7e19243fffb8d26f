"""Sessions of administrators, and the token that each of their forms carries.

A session is a random cookie. The database keeps only a digest of it, so that whoever reads the database cannot make a cookie of it, and all replicas know
the same sessions. The digest is bound to the administrator's token: a new token ends all sessions.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from mpp.model.value import value
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows
from mpp_registry.web.answers import Asked
from mpp_registry.web.limits import SESSION_SECONDS
from mpp_registry.web.reading import number

COOKIE_BYTES = 32
"""Random bytes of a cookie. Reason: nobody guesses 256 bits."""

COOKIE_CHARS = 2 * COOKIE_BYTES
COOKIE = "mpp-admin"
SECURE_COOKIE = "__Host-mpp-admin"
"""Attack: another host of the same domain, or a connection without TLS, that sets a cookie of this name. Browsers refuse it with this prefix."""


@value
class Session:
    """Somebody who showed the administrator's token. Only ``session_of`` gives one."""

    form_token: str


def is_token(services: Services, token: str) -> bool:
    """Compared in the same time, whatever is wrong with it."""
    wanted = services.settings.admin_token_sha256
    return hmac.compare_digest(sha256(token.encode("utf-8", "replace")).hexdigest(), wanted or "-")


def begin(services: Services) -> str:
    """A new session; the value of its cookie."""
    cookie, now = services.random.bytes(COOKIE_BYTES).hex(), services.clock.now()
    with services.database.write() as rows:
        rows.run("INSERT INTO once (nonce, until) VALUES (?, ?)", _name(services, cookie), now + SESSION_SECONDS)
    return cookie


def session_of(services: Services, rows: Rows, asked: Asked) -> Session | None:
    cookie = asked.cookie
    if len(cookie) != COOKIE_CHARS or not services.settings.admin_token_sha256:
        return None
    row = rows.one("SELECT until FROM once WHERE nonce = ?", _name(services, cookie))
    if row is None or number(row[0]) <= services.clock.now():
        return None
    return Session(form_token=_form_token(cookie))


def end(services: Services, cookie: str) -> None:
    with services.database.write() as rows:
        rows.run("DELETE FROM once WHERE nonce = ?", _name(services, cookie))


def is_own_form(session: Session, asked: Asked) -> bool:
    """Attack: a page elsewhere that sends a form in the name of an administrator who visits it. It cannot read the cookie, so it cannot make the token."""
    return hmac.compare_digest(session.form_token.encode(), asked.form.get("form_token", "").encode("utf-8", "replace"))


def _name(services: Services, cookie: str) -> str:
    return "web:" + sha256(f"{services.settings.admin_token_sha256}:{cookie}".encode()).hexdigest()


def _form_token(cookie: str) -> str:
    return hmac.new(cookie.encode(), b"form of an administrator", sha256).hexdigest()


def set_cookie(cookie: str, *, is_secure: bool) -> tuple[str, str]:
    name = SECURE_COOKIE if is_secure else COOKIE
    secure = "; Secure" if is_secure else ""
    return "set-cookie", f"{name}={cookie}; Path=/; Max-Age={SESSION_SECONDS if cookie else 0}; HttpOnly; SameSite=Strict{secure}"
