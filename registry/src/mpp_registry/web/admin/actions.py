"""What an administrator does. The rules are those of the registry's own modules; a form only names what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from mpp.errors import Refused
from mpp.protocol.registry.events import PublisherStatus, Status
from mpp.protocol.registry.limits import REASON_MAX
from mpp_registry.advisories.reporting import close_report
from mpp_registry.namespaces.claiming import prove_by_hand
from mpp_registry.namespaces.rechecking import give_up
from mpp_registry.publishers.recovering import confirm_recovery, refuse_recovery
from mpp_registry.publishers.status import set_publisher_status
from mpp_registry.publishing.changing import set_status
from mpp_registry.services import Services
from mpp_registry.staging.approving import approve_by_hand, refuse_staged
from mpp_registry.web.admin.sessions import is_own_form, session_of
from mpp_registry.web.answers import Answer, Asked, redirect
from mpp_registry.web.errors import status_answer
from mpp_registry.web.site import Site
from mpp.pages.texts import part

Form = Mapping[str, str]
Act = Callable[[Services, Form], str]
"""Gives the page to go to, without what was done."""


def _reason(form: Form) -> str:
    reason = " ".join(form.get("reason", "").split())
    if not reason or len(reason) > REASON_MAX:
        raise Refused("registry.form", f"a reason of 1 to {REASON_MAX} characters is needed: the log keeps it", where="reason", hint="go back and say why")
    return reason


def _version_status(services: Services, form: Form) -> str:
    package_id = form.get("package_id", "")
    status = cast("Status", form.get("status", ""))
    set_status(services, package_id, form.get("version", ""), status, _reason(form), None)
    return f"/admin/package?id={part(package_id)}&"


def _publisher_status(services: Services, form: Form) -> str:
    publisher_id = form.get("publisher_id", "")
    set_publisher_status(services, publisher_id, cast("PublisherStatus", form.get("status", "")), _reason(form))
    return f"/admin/publisher?id={part(publisher_id)}&"


def _approve(services: Services, form: Form) -> str:
    approve_by_hand(services, form.get("staged_id", ""))
    return "/admin?"


def _refuse(services: Services, form: Form) -> str:
    refuse_staged(services, form.get("staged_id", ""), _reason(form), None)
    return "/admin?"


def _prove(services: Services, form: Form) -> str:
    publisher_id = form.get("publisher_id", "")
    prove_by_hand(services, form.get("namespace", "").strip(), publisher_id)
    return f"/admin/publisher?id={part(publisher_id)}&"


def _give_up(services: Services, form: Form) -> str:
    give_up(services, form.get("namespace", ""))
    return f"/admin/publisher?id={part(form.get('publisher_id', ''))}&"


def _confirm(services: Services, form: Form) -> str:
    confirm_recovery(services, form.get("publisher_id", ""), form.get("successor", ""))
    return "/admin?"


def _refuse_recovery(services: Services, form: Form) -> str:
    refuse_recovery(services, form.get("publisher_id", ""))
    return "/admin?"


def _close(services: Services, form: Form) -> str:
    close_report(services, form.get("report_id", ""), _reason(form))
    return "/admin?"


ACTS: Mapping[str, Act] = {
    "version-status": _version_status,
    "publisher-status": _publisher_status,
    "approve": _approve,
    "refuse": _refuse,
    "prove": _prove,
    "give-up": _give_up,
    "confirm-recovery": _confirm,
    "refuse-recovery": _refuse_recovery,
    "close-report": _close,
}
DONE: Mapping[str, str] = {
    "version-status": "The status is changed, and the change is in the log.",
    "publisher-status": "The publisher's status is changed, and the change is in the log.",
    "approve": "The version is published.",
    "refuse": "The version is refused. Its bytes are not kept.",
    "prove": "The namespace is proven by your word, and the log says so.",
    "give-up": "The namespace is no longer proven.",
    "confirm-recovery": "The recovery is public now. It takes effect after its delay, unless the publisher says no.",
    "refuse-recovery": "The recovery is refused.",
    "close-report": "The report is closed.",
}


def act(site: Site, asked: Asked) -> Answer:
    with site.services.database.read() as rows:
        session = session_of(site.services, rows, asked)
    if session is None:
        return redirect("/admin/login")
    if not is_own_form(session, asked):
        return status_answer(site, 403)
    name = asked.form.get("act", "")
    if name not in ACTS:
        return status_answer(site, 400)
    return redirect(f"{ACTS[name](site.services, asked.form)}done={name}")
