"""What waits, what lasts, what was agreed to; and ending it."""

from __future__ import annotations

import json

from mpp.cli.approval_home import OWN_TENANTS, opened, tenants
from mpp.cli.options import show_time
from mpp.cli.screen import note, put_json, safe, say, table
from mpp.errors import Refused
from mpp.files import PRIVATE, write_atomic
from mpp.host import answering
from mpp.host.judging import Services
from mpp.model.jsontext import Json
from mpp.stages.approval import Consent, Question, Standing, write_question

SHOWN_ID = 8
"""Digits of an id that are shown. Reason: a home has hundreds of approvals at most."""


def show_pending(*, as_json: bool) -> None:
    with opened() as on:
        now = on.clock.now()
        questions = [one for tenant in tenants(on) for one in on.approvals.pending(tenant, now)]
        rows = [(one, len(on.approvals.answers(one.id))) for one in questions]
    if as_json:
        found: list[Json] = [{**_question_json(one), "answers": answers} for one, answers in rows]
        put_json({"ok": True, "questions": found})
        return
    if not rows:
        say("Nothing waits for an answer.")
        return
    others = any(one.tenant not in OWN_TENANTS for one, _ in rows)
    heads = ("ref", "package", "tool", "agent", "level", "risk", "until", "tenant")
    table([row if others else row[:-1] for row in (heads, *(_row(one) for one, _ in rows))], indent="", head=True)
    note("Look at one and answer it: mpp approve REF")


def _row(one: Question) -> tuple[str, ...]:
    agent = one.action.agent.name or "-"
    risk = f"{one.risk.score} {one.risk.band}"
    return one.ref, f"{one.action.package_id} {one.version}", one.action.tool, agent, one.security_level, risk, show_time(one.expires), one.tenant


def _question_json(one: Question) -> dict[str, Json]:
    return {
        "ref": one.ref,
        "id": one.id,
        "package": one.action.package_id,
        "version": one.version,
        "tool": one.action.tool,
        "agent": one.action.agent.shown(),
        "user": one.action.user,
        "tenant": one.tenant,
        "security_level": one.security_level,
        "risk": {"score": one.risk.score, "band": one.risk.band},
        "needs": {"strength": one.strength, "approvers": one.approvers},
        "includes_consent": one.includes_consent,
        "text": one.text,
        "text_sha256": one.text_sha256,
        "must_open_details": one.must_open_details,
        "created": one.created,
        "expires": one.expires,
    }


def show_one(ref: str, *, details: bool, output: str, as_json: bool) -> None:
    with opened() as on:
        now = on.clock.now()
        question = next((found for tenant in tenants(on) if (found := on.approvals.question(tenant, ref, now)) is not None), None)
        lasting = answering.find_standing(on, ref, tenants(on))
    if question is not None:
        _show_question(question, details=details, output=output, as_json=as_json)
    elif lasting is not None:
        if as_json:
            put_json({"ok": True, "standing": _standing_json(lasting)})
        else:
            for line in _standing_lines(lasting):
                say(line)
    else:
        raise Refused("approval.unknown", "no such question or approval", where=ref[:40], hint="see `mpp approve pending` and `mpp approve list`")


def _show_question(question: Question, *, details: bool, output: str, as_json: bool) -> None:
    if output:
        write_atomic(output, write_question(question), PRIVATE)
    if as_json:
        put_json({"ok": True, "question": {**_question_json(question), **({"details": question.details} if details else {})}, "file": output or None})
        return
    for line in (question.text + (("\n" + question.details) if details else "")).splitlines():
        say(line)
    if output:
        note(f"Wrote {output}. An approver signs it with: mpp approve sign {output} --key FILE --id ID")


def show_list(*, as_json: bool) -> None:
    with opened() as on:
        now = on.clock.now()
        standing = [one for tenant in tenants(on) for one in on.approvals.standing(tenant, now)]
        consents = [one for tenant in tenants(on) for one in on.approvals.consents(tenant)]
    if as_json:
        put_json({"ok": True, "standing": [_standing_json(one) for one in standing], "consents": [_consent_json(one) for one in consents]})
        return
    say("Approvals for always:" if standing else "No approval for always.")
    table([(one.id[:SHOWN_ID], one.package_id, one.tool, one.agent.name or "anybody", f"{one.calls} calls left", show_time(one.until)) for one in standing])
    say("Agreed to what these packages declare:" if consents else "Nobody has agreed to a package yet.")
    table([(one.package_id, one.version, one.by, one.amr or "-", show_time(one.at)) for one in consents])


def _standing_json(one: Standing) -> Json:
    return {
        "id": one.id, "package": one.package_id, "publisher": one.publisher_id, "tool": one.tool, "agent": one.agent.shown(), "user": one.user,
        "calls": one.calls, "until": one.until, "score": one.score, "exact_arguments": bool(one.argument_sha256), "approver": one.approver, "amr": one.amr,
        "created": one.created,
    }  # fmt: skip


def _consent_json(one: Consent) -> Json:
    return {"package": one.package_id, "publisher": one.publisher_id, "version": one.version, "by": one.by, "amr": one.amr, "at": one.at, "tenant": one.tenant}


def _standing_lines(one: Standing) -> list[str]:
    found = json.dumps(_standing_json(one), indent=2, ensure_ascii=False)
    return [safe(line) for line in found.splitlines()]


def revoke_one(what: str, *, as_json: bool) -> None:
    with opened() as on:
        words = _revoke_standing(on, what) or _withdraw(on, what) or _revoke_consents(on, what)
    if not words:
        raise Refused(
            "approval.unknown", "there is no such approval, consent or question", where=what[:80], hint="see `mpp approve list` and `mpp approve pending`"
        )
    if as_json:
        put_json({"ok": True, "changed": what, "kind": words.split(" ", 1)[0].lower()})
    else:
        say(f"{words}.")


def _revoke_standing(on: Services, what: str) -> str:
    one = answering.find_standing(on, what, tenants(on))
    if one is None or not answering.end_standing(on, one):
        return ""
    return f"Approval {one.id[:SHOWN_ID]} for {one.package_id} is ended"


def _withdraw(on: Services, what: str) -> str:
    now = on.clock.now()
    for tenant in tenants(on):
        question = on.approvals.question(tenant, what, now)
        if question is not None and on.approvals.withdraw(tenant, question.id):
            return f"Question {question.ref} is withdrawn"
    return ""


def _revoke_consents(on: Services, what: str) -> str:
    gone = answering.end_consents(on, what, tenants(on))
    return f"Consent to {what} is ended; the next call asks again" if gone else ""
