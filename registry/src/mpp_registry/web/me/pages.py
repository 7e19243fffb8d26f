"""Coming in, looking, going out."""

from __future__ import annotations

from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import Viewer
from mpp_registry.publishers import entering
from mpp_registry.publishers.limits import ENTER_SECONDS
from mpp_registry.staging.approving import staged_list
from mpp_registry.web.answers import NEVER_KEEP, Answer, Asked, redirect
from mpp_registry.web.limits import ADMIN_ROWS, LOGINS_ALL_PER_MINUTE, LOGINS_PER_MINUTE, PAGE_ROWS
from mpp_registry.web.me.cookies import set_cookie
from mpp_registry.web.me.rows import reports_about
from mpp_registry.web.site import Site

MINUTE = 60
ALL = "*"


def how(site: Site, _asked: Asked) -> Answer:
    return _how(site)


def _how(site: Site, http: int = 200, fault: str = "") -> Answer:
    return site.page("me_login.html", http=http, keep=NEVER_KEEP, fault=fault, seconds=ENTER_SECONDS)


def door(site: Site, asked: Asked) -> Answer:
    """Says who would come in, before anything happens.

    Attack: an address with the attacker's own word, so that somebody works in the attacker's session without noticing.
    """
    code = asked.query.get("code", "")
    if _is_too_much(site, asked):
        return _how(site, 429, "Too many words that do not hold. Wait a minute.")
    with site.services.database.read() as rows:
        found = entering.waiting(site.services, rows, code)
    if found is None:
        return _wrong(site, asked)
    name = found.chain.newest.name
    return site.page("me_enter.html", keep=NEVER_KEEP, code=code, name=name, publisher_id=found.publisher_id, key_id=found.key_id, roles=found.roles)


def enter(site: Site, asked: Asked) -> Answer:
    if _is_too_much(site, asked):
        return _how(site, 429, "Too many words that do not hold. Wait a minute.")
    cookie = entering.enter(site.services, asked.form.get("code", ""))
    if not cookie:
        return _wrong(site, asked)
    return redirect("/me", more=(set_cookie(cookie, is_secure=site.is_secure(asked)),))


def _is_too_much(site: Site, asked: Asked) -> bool:
    now = site.now()
    mine, all_of_us = site.rates.so_far("enter", asked.address, now, MINUTE), site.rates.so_far("enter", ALL, now, MINUTE)
    return mine >= LOGINS_PER_MINUTE or all_of_us >= LOGINS_ALL_PER_MINUTE


def _wrong(site: Site, asked: Asked) -> Answer:
    for who in (asked.address, ALL):
        site.rates.count("enter", who, site.now(), MINUTE)
    return _how(site, 403, "This word does not hold: it was used, is too old, or never was one.")


def mine(site: Site, asked: Asked) -> Answer:
    cursor = asked.query.get("cursor", "")
    with site.services.database.read() as rows:
        visitor = entering.visitor_of(site.services, rows, asked.own_cookie)
        if visitor is None:
            return redirect("/me/login")
        page = catalog.packages_of(rows, visitor.publisher_id, cursor, PAGE_ROWS, Viewer(publisher_id=visitor.publisher_id))
        staged = staged_list(rows, visitor.publisher_id)[:ADMIN_ROWS]
        told = reports_about(rows, visitor.publisher_id)
    entering.keep_awake(site.services, asked.own_cookie)
    root = visitor.chain.newest
    return site.page(
        "me.html", keep=NEVER_KEEP, form_token=visitor.form_token, name=root.name, publisher_id=visitor.publisher_id, key_id=visitor.key_id, roles=visitor.roles,
        packages=page.items, next=page.next, staged=staged, needed=root.role("publish-approve").threshold if root.role("publish-approve").keys else 0,
        reports=told, rows_most=ADMIN_ROWS,
    )  # fmt: skip


def leave(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        visitor = entering.visitor_of(site.services, rows, asked.own_cookie)
    if visitor is None or not entering.is_own_form(visitor, asked.form.get("form_token", "")):
        return redirect("/me")
    entering.leave(site.services, asked.own_cookie)
    return redirect("/me/login", more=(set_cookie("", is_secure=site.is_secure(asked)),))
