"""Compliance reports to look at and to take away: the same as `mpp audit report` writes."""

from __future__ import annotations

import json
import threading

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import form_of, render
from mpp.console.views.compliance import Asked, ENTRIES_MAX, file_name, period_of, ROWS_SHOWN_MAX, usual, view_of
from mpp.errors import MppError, Refused
from mpp.host.audit.compliance import compliance_report
from mpp.host.audit.verifying import DEEP, FAST
from mpp.stages.audit.report import Report, report_html, report_json


class Reports:
    """One report at a time is made, and the last one kept, so that what is looked at is what is taken away."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._last: tuple[tuple[Asked, int], Report] | None = None

    def get(self, asked: Asked) -> Report:
        """Attack: a form that is sent again and again, each time to read a record of millions of entries."""
        period, reader = period_of(asked), self._desk.record()
        with self._lock:
            if not reader.is_there():
                raise Refused("audit.empty", "there is no record yet", hint="it begins with the first call: mpp run FILE")
            key = (asked, reader.last())
            if self._last is None or self._last[0] != key:
                made = compliance_report(self._desk.home.log, period, self._desk.now(), depth=DEEP if asked.deep else FAST, told=_bounded)
                self._last = (key, made)
            return self._last[1]


def _bounded(count: int) -> None:
    if count > ENTRIES_MAX:
        raise Refused("usage.option", f"the record has more than {ENTRIES_MAX} entries", hint="make the report at a terminal: mpp audit report")


def routes(desk: Desk) -> list[BaseRoute]:
    reports = Reports(desk)

    async def page(request: Request) -> Response:
        asked = _asked(request) if request.method == "POST" else usual(desk.now())
        report, fault = await work(_made, reports, asked) if request.method == "POST" else (None, None)
        view = None if report is None else view_of(report)
        is_there = await work(desk.record().is_there)
        return render(request, "compliance.html", asked=asked, view=view, fault=fault, is_there=is_there, rows_shown=ROWS_SHOWN_MAX)

    async def html(request: Request) -> Response:
        report = await work(reports.get, _asked(request))
        return _file(report_html(report), "text/html; charset=utf-8", file_name(report, "html"))

    async def document(request: Request) -> Response:
        report = await work(reports.get, _asked(request))
        return _file(json.dumps(report_json(report), indent=2, ensure_ascii=True) + "\n", "application/json", file_name(report, "json"))

    return [
        Route("/compliance", page, methods=["GET", "POST"]),
        Route("/compliance/report.html", html, methods=["POST"]),
        Route("/compliance/report.json", document, methods=["POST"]),
    ]


def _asked(request: Request) -> Asked:
    form = form_of(request)
    return Asked(since=form.get("since", "").strip(), until=form.get("until", "").strip(), deep=form.get("deep") == "yes")


def _made(reports: Reports, asked: Asked) -> tuple[Report | None, MppError | None]:
    try:
        return reports.get(asked), None
    except MppError as fault:
        return None, fault


def _file(text: str, kind: str, name: str) -> Response:
    """Saved, and never shown here: a page of its own would be one of the console's."""
    headers = {"content-type": kind, "content-disposition": f'attachment; filename="{name}"'}
    return Response(text.encode("utf-8", "backslashreplace"), headers=headers)
