"""Which entries are evidence of what. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from mpp.model.jsontext import Json
from mpp.stages.audit.told import dict_of, Line, text_of, Told, UNREADABLE

STRONG = frozenset(("passphrase", "webauthn", "other-uid"))
"""How somebody proves to be the person. All other ways show at most that somebody sat there."""

PROVEN = frozenset(("token", "signed"))
HIGH = frozenset(("high", "critical"))


_PSEUDONYM = re.compile("[0-9a-f]{32}")


class Topic(NamedTuple):
    key: str
    words: str
    holds: Callable[[Line, Told], bool]


def _kind(*kinds: str) -> Callable[[Line, Told], bool]:
    wanted = frozenset(kinds)
    return lambda line, _: line.kind in wanted


def _said(kind: str, holds: Callable[[Line, Told], bool]) -> Callable[[Line, Told], bool]:
    return lambda line, said: line.kind == kind and holds(line, said)


def _listed(key: str) -> Callable[[Line, Told], bool]:
    return lambda line, _: bool(_list(line.body, key))


def _list(body: dict[str, Json], key: str) -> list[Json]:
    found = body.get(key)
    return found if isinstance(found, list) else []


def _band(line: Line) -> str:
    return text_of(dict_of(dict_of(line.body, "facts"), "risk"), "band") or text_of(line.body, "band")


TOPICS = (
    Topic("calls", "calls that ran (their intents)", _kind("intent")),
    Topic("results", "results of calls", _kind("result")),
    Topic("failed", "calls that ended with a fault", _said("result", lambda _, said: said.outcome != "ok")),
    Topic("interrupted", "calls whose end is not known", _kind("interrupted")),
    Topic("refusals", "calls that were refused before they ran", _kind("refused")),
    Topic("decisions", "decisions of policy", _kind("decision")),
    Topic("denied", "calls that policy denied", _said("decision", lambda _, said: said.effect == "deny")),
    Topic("risky", "calls judged as of high or critical risk", _said("decision", lambda line, _: _band(line) in HIGH)),
    Topic("in", "commitments to what went in", lambda line, _: "in" in line.commit),
    Topic("out", "commitments to what came out", lambda line, _: "out_raw" in line.commit),
    Topic("questions", "questions that were put to a person", _kind("question")),
    Topic("yes", "answers of a person: yes", _said("answer", lambda _, said: said.effect == "yes")),
    Topic("no", "answers of a person: no", _said("answer", lambda _, said: said.effect == "no")),
    Topic("spent", "approvals used up by exactly one call", _kind("approval-spent")),
    Topic("not_held", "answers or approvals that did not hold", _kind("approval-refused")),
    Topic("standing", "approvals that last: given, used or ended", _kind("standing", "standing-used")),
    Topic("by_policy", "calls that ran by policy, without a person", _said("intent", lambda line, _: text_of(line.body, "because") == "policy")),
    Topic("strong", "answers by a person who proved it (passphrase, security key, other user)", _said("answer", lambda line, _: _amr(line) in STRONG)),
    Topic("weak", "answers that show only that somebody sat there", _said("answer", lambda line, _: _amr(line) not in STRONG)),
    Topic("proven", "agents that proved who they are (token or signature)", _said("agent", lambda line, _: text_of(line.body, "proof") in PROVEN)),
    Topic(
        "unproven",
        "agents that did not prove who they are (no name, or only their launcher's word)",
        _said("agent", lambda line, _: text_of(line.body, "proof") not in PROVEN),
    ),
    Topic("users", "entries that name a user, by a pseudonym or not", lambda _, said: bool(said.users)),
    Topic("clear", "entries that name a user in clear", lambda _, said: any(_PSEUDONYM.fullmatch(one) is None for one in said.users)),
    Topic("tokens", "rights given for one call (capability tokens)", _kind("token-granted")),
    Topic("narrowed", "rights made narrower than the package asks for", _kind("token-narrowed")),
    Topic("consents", "agreements to what a package declares", _said("consent", lambda line, _: line.body.get("given") is True)),
    Topic("withdrawn", "agreements that were taken back", _said("consent", lambda line, _: line.body.get("given") is not True)),
    Topic("policies", "policies loaded, changed or refused", _kind("policy")),
    Topic("stops", "stops that were put or lifted", _kind("stop")),
    Topic("trust", "changes of whom this host trusts", _kind("trust")),
    Topic("receipts", "signed receipts of approved calls", _kind("receipt")),
    Topic("hosts", "calls that connected to other hosts", _said("result", _listed("hosts"))),
    Topic("secrets", "calls that used secrets", _said("result", _listed("secrets"))),
    Topic("echoed", "calls whose output repeated a secret", _said("result", _listed("secrets_echoed"))),
    Topic("redactions", "entries in which a privacy filter took something out", _listed("redactions")),
    Topic("erased", "erasures of what was kept", _kind("erased")),
    Topic("pruned", "parts of the record that were removed after their time", _kind("pruned")),
    Topic("torn", "ends of the record that a crash left and that were put aside", _kind("torn")),
    Topic("epochs", "keys of the record that were replaced and destroyed", _kind("epoch")),
    Topic("unreadable", "lines that are no entry", _kind(UNREADABLE)),
)


def _amr(line: Line) -> str:
    return text_of(line.body, "amr")
