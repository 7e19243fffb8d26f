"""Publishers on the web site: a request signed at the command line gives a word that a browser turns into a session, once and soon.

No password and nothing that is typed into a page is ever signed: a page elsewhere that looks like ours has nothing to ask for. What is signed names this
registry's id, as every request does, and the address that the command line knows it by. A session only reads.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from mpp.crypto.roots import ROLES, RootChain
from mpp.errors import Refused
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp_registry.publishers.limits import ENTER_SECONDS, ENTERS_EACH_MAX, SESSION_IDLE_SECONDS, SESSION_SECONDS
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import chain_of
from mpp_registry.publishing.once import spend
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

SECRET_BYTES = 32
"""Random bytes of a word or a cookie. Reason: nobody guesses 256 bits."""

_FORM = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{64}\.[0-9a-f]{64}")
CODE, SESSION, IDLE = "enter:", "me:", "me-idle:"


@value
class Entry:
    """A word that a browser may turn into a session."""

    code: str
    expires_at: int


@value
class Visitor:
    """A publisher's key, whose session holds. Only ``visitor_of`` and ``waiting`` give one."""

    publisher_id: str
    key_id: str
    chain: RootChain
    roles: tuple[str, ...]
    form_token: str = ""


def grant_entry(services: Services, actor: Actor, site: str) -> Entry:
    """For a signed request alone. ``site``: the address that the signer knows the registry by.

    Attack: a server elsewhere that passes on what it is sent, and would come in as the publisher. Its address is not ours, and ours is what must be signed.
    """
    demand_key(actor, *ROLES)
    own = services.settings.url
    if not hmac.compare_digest(site.rstrip("/").encode("utf-8", "replace"), own.rstrip("/").encode()):
        message = f"the request was made for {shown(site)}, and this is {own}"
        raise Refused("registry.request", message, where="site", hint=f"if that is the same registry: mpp registry add {own}; if not, tell its operator")
    now, secret = services.clock.now(), f"{services.random.bytes(SECRET_BYTES).hex()}.{actor.publisher_id}.{actor.key_id}"
    with services.database.write() as rows:
        _judge_rate(rows, actor, now)
        spend(rows, _name(CODE, secret), now + ENTER_SECONDS, now)
    return Entry(code=secret, expires_at=now + ENTER_SECONDS)


def _judge_rate(rows: Rows, actor: Actor, now: int) -> None:
    """Attack on oneself: a loop that fills the table of what was used."""
    for place in range(ENTERS_EACH_MAX):
        if spend(rows, f"enters:{actor.key_id}:{place}", now + ENTER_SECONDS, now):
            return
    raise Refused("registry.rate", "too many logins of one key", where=f"key {actor.key_id[:16]}", hint=f"wait {ENTER_SECONDS} seconds")


def waiting(services: Services, rows: Rows, code: str) -> Visitor | None:
    """Whose word it is. It is not used up by looking: browsers and their helpers look at addresses beforehand."""
    return _visitor(services, rows, CODE, code)


def enter(services: Services, code: str) -> str:
    """The cookie of a new session; empty: the word does not hold. Attack: the same word once more, by who read it over a shoulder or in a history."""
    now = services.clock.now()
    with services.database.write() as rows:
        if _visitor(services, rows, CODE, code) is None or not rows.run("DELETE FROM once WHERE nonce = ? AND until > ?", _name(CODE, code), now):
            return ""
        _, publisher_id, key_id = code.split(".")
        # Attack: a cookie that somebody put into the browser before. A session always begins with a new one.
        cookie = f"{services.random.bytes(SECRET_BYTES).hex()}.{publisher_id}.{key_id}"
        spend(rows, _name(SESSION, cookie), now + SESSION_SECONDS, now)
        spend(rows, _name(IDLE, cookie), now + SESSION_IDLE_SECONDS, now)
    return cookie


def visitor_of(services: Services, rows: Rows, cookie: str) -> Visitor | None:
    """Whose session it is, as long as the key still has a role and nobody stopped the publisher."""
    found = _visitor(services, rows, SESSION, cookie)
    return found if found is not None and _holds(services, rows, IDLE, cookie) else None


def keep_awake(services: Services, cookie: str) -> None:
    """It was used: it sleeps in later, but ends when it would have ended. A write each few minutes, not with each page."""
    now = services.clock.now()
    with services.database.write() as rows:
        rows.run(
            "UPDATE once SET until = ? WHERE nonce = ? AND until > ? AND until < ?",
            now + SESSION_IDLE_SECONDS,
            _name(IDLE, cookie),
            now,
            now + SESSION_IDLE_SECONDS // 2,
        )


def leave(services: Services, cookie: str) -> None:
    with services.database.write() as rows:
        for kind in (SESSION, IDLE):
            rows.run("DELETE FROM once WHERE nonce = ?", _name(kind, cookie))


def is_own_form(visitor: Visitor, token: str) -> bool:
    """Attack: a page elsewhere that sends a form for somebody who is logged in. It cannot read the cookie, so it cannot make the token."""
    return hmac.compare_digest(visitor.form_token.encode(), token.encode("utf-8", "replace"))


def _visitor(services: Services, rows: Rows, kind: str, secret: str) -> Visitor | None:
    if _FORM.fullmatch(secret) is None or not _holds(services, rows, kind, secret):
        return None
    _, publisher_id, key_id = secret.split(".")
    row = rows.one("SELECT status FROM publishers WHERE publisher_id = ?", publisher_id)
    if row is None or row[0] != "active":
        return None
    chain = chain_of(rows, publisher_id)
    root = chain.newest
    roles = tuple(name for name in ROLES if key_id in root.role(name).keys)
    # Attack: a stolen key that was taken out, and whose session would go on reading what is private.
    if not roles or any(one.key == key_id for one in root.revoked):
        return None
    token = hmac.new(secret.encode(), b"form of a publisher", sha256).hexdigest()
    return Visitor(publisher_id=publisher_id, key_id=key_id, chain=chain, roles=roles, form_token=token)


def _holds(services: Services, rows: Rows, kind: str, secret: str) -> bool:
    row = rows.one("SELECT until FROM once WHERE nonce = ?", _name(kind, secret))
    return row is not None and int(row[0] or 0) > services.clock.now()


def _name(kind: str, secret: str) -> str:
    """The database keeps a digest: who reads it cannot make a cookie of it."""
    return kind + sha256(secret.encode("utf-8", "replace")).hexdigest()
