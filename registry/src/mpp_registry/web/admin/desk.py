"""The queues, one package under an administrator's eyes, and what administrators did."""

from __future__ import annotations

from collections.abc import Callable

from mpp.protocol.registry.events import PUBLISHER_STATUSES, STATUSES
from mpp.protocol.registry.limits import REASON_MAX
from mpp_registry.advisories.reporting import reports
from mpp_registry.catalog import reading as catalog
from mpp_registry.catalog.types import Viewer
from mpp_registry.staging.approving import staged_list
from mpp_registry.store.ports import Rows
from mpp_registry.web import logrows, reading
from mpp_registry.web.admin import rows as queues
from mpp_registry.web.admin.actions import DONE
from mpp_registry.web.admin.sessions import Session, session_of
from mpp_registry.web.answers import NEVER_KEEP, Answer, Asked, redirect
from mpp_registry.web.errors import not_found
from mpp_registry.web.limits import ADMIN_ROWS, PAGE_ROWS
from mpp_registry.web.pages.explorer import number_in
from mpp_registry.web.sentences import sentence
from mpp_registry.web.site import Page, Site

Desk = Callable[[Site, Asked, Session, Rows], Answer]


def for_admin(desk: Desk) -> Page:
    """The page, for an administrator alone: session and rows are of one snapshot."""

    def page(site: Site, asked: Asked) -> Answer:
        with site.services.database.read() as rows:
            session = session_of(site.services, rows, asked)
            return redirect("/admin/login") if session is None else desk(site, asked, session, rows)

    return page


def overview(site: Site, asked: Asked, session: Session, rows: Rows) -> Answer:
    return site.page(
        "admin.html",
        keep=NEVER_KEEP,
        form_token=session.form_token,
        done=DONE.get(asked.query.get("done", ""), ""),
        reports=reports(rows)[:ADMIN_ROWS],
        staged=staged_list(rows)[:ADMIN_ROWS],
        quarantined=queues.quarantined(rows),
        lapsed=reading.namespaces_with(rows, "lapsed", ADMIN_ROWS),
        recoveries=queues.open_recoveries(rows),
        most=REASON_MAX,
        rows_most=ADMIN_ROWS,
    )


def package(site: Site, asked: Asked, session: Session, rows: Rows) -> Answer:
    package_id, cursor = asked.query.get("id", "").strip(), asked.query.get("cursor", "")
    found = catalog.package(rows, package_id, Viewer(is_admin=True))
    if found is None:
        return not_found(site, "No package of that id is in this registry.")
    page = catalog.versions(rows, package_id, cursor, PAGE_ROWS)
    return site.page(
        "admin_package.html",
        keep=NEVER_KEEP,
        form_token=session.form_token,
        done=DONE.get(asked.query.get("done", ""), ""),
        package=found,
        lines=page.items,
        next=page.next,
        statuses=STATUSES,
        wanted=asked.query.get("version", ""),
        owners=catalog.owners(rows, package_id),
        history=[sentence(one) for one in logrows.leaves_about(rows, package_id, PAGE_ROWS)],
        most=REASON_MAX,
    )


def publisher(site: Site, asked: Asked, session: Session, rows: Rows) -> Answer:
    who = catalog.publisher(rows, asked.query.get("id", "").strip())
    if who is None:
        return not_found(site, "No publisher of that id is registered here.")
    return site.page(
        "admin_publisher.html",
        keep=NEVER_KEEP,
        form_token=session.form_token,
        done=DONE.get(asked.query.get("done", ""), ""),
        who=who,
        statuses=PUBLISHER_STATUSES,
        spaces=catalog.namespaces_of(rows, who.publisher_id),
        history=[sentence(one) for one in logrows.leaves_of(rows, who.publisher_id, PAGE_ROWS)],
        most=REASON_MAX,
    )


def audit(site: Site, asked: Asked, session: Session, rows: Rows) -> Answer:
    head = logrows.head(rows)
    size = head.size if head else 0
    before = min(number_in(asked.query.get("before", ""), "before", size), size)
    lines, older = queues.done_by_admin(rows, before)
    return site.page("audit.html", keep=NEVER_KEEP, form_token=session.form_token, lines=[sentence(one) for one in lines], older=older, before=before)
