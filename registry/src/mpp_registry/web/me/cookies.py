"""The cookie of a publisher's session."""

from __future__ import annotations

from mpp_registry.publishers.limits import SESSION_SECONDS

COOKIE = "mpp-publisher"
SECURE_COOKIE = "__Host-mpp-publisher"
"""Attack: another host of the same domain, or a connection without TLS, that sets a cookie of this name. Browsers refuse it with this prefix."""


def set_cookie(cookie: str, *, is_secure: bool) -> tuple[str, str]:
    name = SECURE_COOKIE if is_secure else COOKIE
    secure = "; Secure" if is_secure else ""
    return "set-cookie", f"{name}={cookie}; Path=/; Max-Age={SESSION_SECONDS if cookie else 0}; HttpOnly; SameSite=Strict{secure}"
