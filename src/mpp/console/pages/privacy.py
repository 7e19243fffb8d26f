"""The privacy bench. What is pasted there is filtered as an answer of a tool is, shown, and forgotten: no store, no record, no log sees it."""

from __future__ import annotations

import time

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import form_of, render
from mpp.console.views.privacy import Bench, bench_of, Group, groups_of, Refusal, TEXT_BYTES_MAX
from mpp.errors import MppError, Refused
from mpp.host.policy_store import open_policies
from mpp.host.privacy_trial import message_of, NOTHING, searched_for, trial_filter
from mpp.model.value import value
from mpp.stages.privacy import explain_message, GROUPS


@value
class Rules:
    """What the filter of this host does, whatever is pasted."""

    groups: tuple[Group, ...]
    custom: tuple[tuple[str, str], ...]
    count: int


def routes(desk: Desk) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        tried: Bench | Refusal | None = None
        if request.method == "POST":
            form = form_of(request)
            tried = await work(_tried, desk, form.get("text", ""), whole=form.get("whole") == "yes")
        # What was typed goes back as it was: written out, hidden characters would be another text at the next try.
        typed = escape("" if tried is None else tried.text)
        bench, refusal = (tried if isinstance(tried, Bench) else None), (tried if isinstance(tried, Refusal) else None)
        return render(request, "privacy.html", typed=typed, bench=bench, refusal=refusal, rules=await work(_rules, desk), bytes_max=TEXT_BYTES_MAX)

    return [Route("/privacy", page, methods=["GET", "POST"])]


def _tried(desk: Desk, text: str, *, whole: bool) -> Bench | Refusal:
    try:
        return _bench(desk, text, whole=whole)
    except MppError as fault:
        return Refusal(text=text, whole=whole, code=fault.code, message=fault.message, hint=fault.hint)


def _bench(desk: Desk, text: str, *, whole: bool) -> Bench:
    data = text.encode("utf-8", "replace")
    if len(data) > TEXT_BYTES_MAX:
        raise Refused("usage.text", f"the bench takes {TEXT_BYTES_MAX} bytes, and this has {len(data)}", hint="give the file to: mpp privacy test FILE")
    message = message_of(data)
    trial = trial_filter(desk.home, NOTHING, desk.clock, desk.random)
    begun = time.perf_counter()
    filtered = trial(message)
    seconds = time.perf_counter() - begun
    # A message that is withheld may be one that cannot even be explained; why it is withheld stands in the report.
    is_listed = filtered.report.withheld in {"", "privacy.blocked"}
    # Read anew: the filter changes the message where it stands.
    found = explain_message(message_of(data), trial) if is_listed else ()
    return bench_of(text, message_of(data), found, filtered, engine=trial.rules.scanner.name, whole=whole, seconds=seconds)


def _rules(desk: Desk) -> Rules:
    rules = open_policies(desk.home, desk.clock).current().policies.privacy
    searched = searched_for(rules)
    custom = tuple((one.id, one.regex) for one in rules.patterns)
    return Rules(groups=groups_of(searched, GROUPS), custom=custom, count=len(searched))
