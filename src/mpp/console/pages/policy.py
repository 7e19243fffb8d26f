"""The policies in force in plain words, and an editor in which another one is tried over past calls. Nothing here puts one in force (ADR 0051)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from markupsafe import escape
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mpp.console.desk import Desk, work
from mpp.console.render import form_of, render
from mpp.console.views.policy import CALLS_JUDGED_MAX, Replay, replay_of, TEXT_BYTES_MAX, text_of, Tried, tried_of, view_of
from mpp.errors import Fault, MppError, Refused
from mpp.files import read_bounded
from mpp.host.audit.index import ask
from mpp.host.audit.searching import find
from mpp.host.policy_compare import compare
from mpp.host.policy_layers import DOCUMENT
from mpp.host.policy_lint import warnings
from mpp.host.policy_replay import judge_again
from mpp.host.policy_store import Loaded, open_policies
from mpp.model.events import Event
from mpp.stages.audit import glance, read_entry, Wanted
from mpp.stages.policy import compile_policies, parse_policy, Policies, Policy

HERE = "the text"
"""What faults of a text in the editor call it."""

ALONE = "alone"


def routes(desk: Desk) -> list[BaseRoute]:
    async def page(request: Request) -> Response:
        loaded = await work(_loaded, desk)
        form = form_of(request)
        tried: Tried | None = None
        text, alone = form.get("text", ""), form.get("as", "") == ALONE
        if request.method == "POST":
            tried = await work(_tried, desk, loaded, text, alone=alone)
        else:
            text = await work(_begin, loaded)
        # What was typed goes back as it was, byte for byte: it may be put in force from here by hand.
        return render(
            request, "policy.html", view=view_of(loaded, desk.now()), typed=escape(text), tried=tried, alone=alone, bytes_max=TEXT_BYTES_MAX, calls_max=CALLS_JUDGED_MAX
        )  # fmt: skip

    async def save(request: Request) -> Response:
        """The text of the editor as a file: what is put in force is looked at by a person at a terminal."""
        text = form_of(request).get("text", "")
        name = "policy.json" if text.lstrip()[:1] == "{" else "policy.toml"
        return Response(
            text.encode("utf-8", "replace"), headers={"content-disposition": f'attachment; filename="{name}"', "content-type": "text/plain; charset=utf-8"}
        )

    return [Route("/policy", page, methods=["GET", "POST"]), Route("/policy/save", save, methods=["POST"])]


def _loaded(desk: Desk) -> Loaded:
    return open_policies(desk.home, desk.clock).current()


def _begin(loaded: Loaded) -> str:
    """The user's own text where there is one, with its comments."""
    one = loaded.layer("user")
    if one is not None and one.kind == DOCUMENT:
        try:
            return read_bounded(one.source, TEXT_BYTES_MAX).decode("utf-8")
        except (MppError, UnicodeDecodeError):
            # It was read a moment ago, and may be larger than the editor takes: its canonical form stands in.
            return text_of(one)
    return text_of(one)


def _tried(desk: Desk, loaded: Loaded, text: str, *, alone: bool) -> Tried:
    try:
        policy = _parsed(text)
        policies = _judging(loaded, policy, alone=alone)
    except MppError as fault:
        return Tried(faults=fault.faults, alone=alone)
    user = loaded.layer("user")
    changes = compare(user.policy if user is not None else None, policy)
    replay, fault_of_record = _replayed(desk, policies)
    return tried_of(policy, changes, warnings(policy, desk.now()), replay, fault_of_record, alone=alone)


def _parsed(text: str) -> Policy:
    data = text.encode("utf-8", "replace")
    if len(data) > TEXT_BYTES_MAX:
        raise Refused("usage.text", f"the editor takes {TEXT_BYTES_MAX} bytes, and this has {len(data)}", hint="try the file with: mpp policy test --replay")
    return parse_policy(data, where=HERE)


def _judging(loaded: Loaded, policy: Policy, *, alone: bool) -> Policies:
    """By itself, or in the place of the user's policy among those in force."""
    return compile_policies({"user": policy} if alone else {**dict(loaded.policies.layers), "user": policy})


def _replayed(desk: Desk, policies: Policies) -> tuple[Replay | None, Fault | None]:
    if not desk.record().is_there():
        return None, None
    try:
        seqs = ask(desk.home.log, lambda connection: find(connection, Wanted(kinds=("decision",)), CALLS_JUDGED_MAX + 1))
        newest = sorted(seqs)[-CALLS_JUDGED_MAX:]
        found = judge_again(_decisions(desk, newest), policies)
    except MppError as fault:
        return None, fault.faults[0]
    return replay_of(found, left=len(seqs) > CALLS_JUDGED_MAX), None


def _decisions(desk: Desk, seqs: list[int]) -> Iterator[tuple[str, Event]]:
    """These entries, read strictly. Attack: an index that points at something else; each line says itself what it is."""
    wanted = set(seqs)
    for data in islice(desk.record().lines(seqs[0]), seqs[-1] - seqs[0] + 1) if seqs else ():
        line = glance(data)
        if line is not None and line.seq in wanted and line.kind == "decision":
            yield f"entry {line.seq}", read_entry(data, where=f"entry {line.seq}").event
