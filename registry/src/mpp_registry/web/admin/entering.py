"""Coming in with the administrator's token, and going out."""

from __future__ import annotations

from mpp_registry.web.admin import sessions
from mpp_registry.web.answers import NEVER_KEEP, Answer, Asked, redirect
from mpp_registry.web.limits import LOGINS_ALL_PER_MINUTE, LOGINS_PER_MINUTE
from mpp_registry.web.site import Site

MINUTE = 60
ALL = "*"


def login_form(site: Site, _asked: Asked) -> Answer:
    return _form(site)


def _form(site: Site, http: int = 200, fault: str = "") -> Answer:
    return site.page("login.html", http=http, keep=NEVER_KEEP, fault=fault, is_there=bool(site.services.settings.admin_token_sha256))


def login(site: Site, asked: Asked) -> Answer:
    """Attack: guessing. Whoever was wrong too often waits, before anything is compared."""
    now = site.now()
    mine, all_of_us = site.rates.so_far("login", asked.address, now, MINUTE), site.rates.so_far("login", ALL, now, MINUTE)
    if mine >= LOGINS_PER_MINUTE or all_of_us >= LOGINS_ALL_PER_MINUTE:
        return _form(site, 429, "Too many wrong tokens. Wait a minute.")
    if not sessions.is_token(site.services, asked.form.get("token", "")):
        site.rates.count("login", asked.address, now, MINUTE)
        site.rates.count("login", ALL, now, MINUTE)
        return _form(site, 403, "That is not the token.")
    cookie = sessions.begin(site.services)
    return redirect("/admin", more=(sessions.set_cookie(cookie, is_secure=site.is_secure(asked)),))


def logout(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        session = sessions.session_of(site.services, rows, asked)
    if session is not None and sessions.is_own_form(session, asked):
        sessions.end(site.services, asked.cookie)
    return redirect("/admin/login", more=(sessions.set_cookie("", is_secure=site.is_secure(asked)),))
