"""The list of calls: what the address asks for, and how a row looks. Pure.

Filters are those of `mpp audit search`; the page shows the command that asks the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from datetime import datetime, UTC
from urllib.parse import urlencode

from mpp.console.charts_scale import duration
from mpp.pages.texts import TIME_MAX
from mpp.errors import Refused
from mpp.host.audit.index_calls import CallRow, ENDINGS
from mpp.host.audit.listing import CallsWanted
from mpp.limits import DAY_SECONDS
from mpp.model.jsontext import shown
from mpp.model.value import value
from mpp.stages.audit import Condition, FACTS

TEXT_CHARS_MAX = 200
"""Characters of one filter. Reason: no name of a package, tool or agent is longer."""

WORDS_MAX = 8
"""Words in the field for text. Reason: each is one look at all names."""

RISK_MAX = 1000
"""The highest risk that is asked for. Reason: a score goes up to 100; what is higher finds nothing."""

FIELDS = ("agent", "package", "tool", "tenant", "code")
"""Fields of one name each."""

CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "decision": (("", "Any"), ("allow", "Allowed"), ("ask", "Asks a person"), ("deny", "Denied")),
    "ending": (
        ("", "Any"), ("ok", "Ran"), ("failed", "Failed"), ("interrupted", "Interrupted"), ("asked", "A person was asked"), ("denied", "Denied by policy"),
        ("refused", "Refused"), ("running", "Has not ended"),
    ),
}  # fmt: skip

ENDING_WORDS: Mapping[str, tuple[str, str]] = {
    "ok": ("ran", "good"), "failed": ("failed", "bad"), "interrupted": ("interrupted", "bad"), "asked": ("a person was asked", "careful"),
    "denied": ("denied", "careful"), "refused": ("refused", "careful"), "": ("has not ended", "plainly"),
}  # fmt: skip

_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS, "w": 7 * DAY_SECONDS}
_ID = re.compile("[0-9a-f]{6,32}")

Meant = Callable[[str, str], tuple[str, ...]]
"""What stands in the record for what a person types of one fact."""


@value
class Filters:
    """As they stand in the address."""

    words: Mapping[str, str]
    """By field; only those that are given."""
    before: int | None
    after: int | None

    def get(self, name: str) -> str:
        return self.words.get(name, "")

    def address(self, **changes: str) -> str:
        """The list with these filters, changed."""
        found = {**self.words, **changes}
        query = urlencode({name: item for name, item in found.items() if item})
        return f"/calls?{query}" if query else "/calls"

    @property
    def more(self) -> bool:
        """Are any of the filters given that are folded away?"""
        return any(self.get(name) for name in ("tenant", "code", "risk", "decision"))


NAMES = (*FIELDS, *CHOICES, "since", "until", "risk", "q")


def read_filters(query: Mapping[str, str]) -> Filters:
    """Attack: an address of a megabyte, or a number of a thousand digits. Each field is cut, each number has sixteen digits."""
    words = {name: item[:TEXT_CHARS_MAX].strip() for name in NAMES if (item := query.get(name, "")).strip()}
    for name, choices in CHOICES.items():
        if words.get(name, "") not in {key for key, _ in choices}:
            raise _wrong(name, words[name], "choose one of the list")
    return Filters(words=words, before=_place(query, "before"), after=_place(query, "after"))


def _place(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _wrong(name, text, "follow the links under the list")
    return int(text)


def _wrong(name: str, text: str, hint: str) -> Refused:
    return Refused("usage.option", f"{shown(text)!r} is nothing that can stand there", where=name, hint=hint)


def wanted_of(filters: Filters, now: int, meant: Meant) -> CallsWanted:
    """What is asked of the index."""
    names = {name: (filters.get(name),) for name in (*FIELDS, "decision") if filters.get(name)}
    ending = filters.get("ending")
    conditions, anywhere, beginning = _text(filters.get("q"), meant)
    return CallsWanted(
        words={**names, **({"ending": (ending,)} if ending in ENDINGS else {})}, conditions=conditions, since=_moment(filters, "since", now, 0),
        until=_moment(filters, "until", now, DAY_SECONDS - 1), risk=_risk(filters.get("risk")), beginning=beginning, running=ending == "running", anywhere=anywhere,
    )  # fmt: skip


def _text(text: str, meant: Meant) -> tuple[tuple[Condition, ...], tuple[str, ...], str]:
    """``host:api.example.com`` is the option of the search; an id of a call, or its beginning, is one; anything else stands in a name."""
    conditions, anywhere, beginning = list[Condition](), list[str](), ""
    for word in text.split()[:WORDS_MAX]:
        fact, colon, name = word.partition(":")
        if colon and fact in FACTS and name:
            conditions.append(Condition(fact, meant(fact, name)))
        elif _ID.fullmatch(word.lower()):
            beginning = word.lower()
        else:
            anywhere.append(word)
    return tuple(conditions), tuple(anywhere), beginning


def _risk(text: str) -> int | None:
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise _wrong("risk", text, "give a whole number from 0 to 100")
    return min(int(text), RISK_MAX)


def _moment(filters: Filters, name: str, now: int, day: int) -> int | None:
    """``7d``, a date, a date and time, or seconds since 1970. ``day``: what is added where a day is meant with its evening."""
    text = filters.get(name)
    if not text:
        return None
    ago = _AGO.fullmatch(text)
    if ago:
        return max(0, now - int(ago[1]) * _UNITS[ago[2]])
    if _NUMBER.fullmatch(text):
        return min(int(text), TIME_MAX)
    try:
        found = datetime.fromisoformat(text)
        moment = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise _wrong(name, text, "write 7d, 24h, 2026-11-21 or 2026-11-21T10:00:00Z") from None
    return min(max(moment, 0), TIME_MAX) + (day if _DATE.fullmatch(text) else 0)


@value
class Row:
    """One call of the list."""

    invocation: str
    at: int
    agent: str
    package: str
    tool: str
    tenant: str
    decision: str
    ending: str
    tone: str
    code: str
    risk: int | None
    took: str
    redactions: int


@value
class CallList:
    rows: tuple[Row, ...]
    newer: str
    """The address of the page before; empty on the first."""
    older: str
    tenants: bool
    """Are there calls of another tenant than the usual one?"""
    chosen: tuple[tuple[str, str, str], ...]
    """Each filter that holds: its name, what it says, and the list without it."""
    command: str


TITLES = {
    "agent": "Agent", "package": "Package", "tool": "Tool", "tenant": "Tenant", "code": "Code", "decision": "Policy", "ending": "Ended", "since": "From", "until": "Until",
    "risk": "Risk from", "q": "Text",
}  # fmt: skip


def call_list(filters: Filters, found: tuple[CallRow, ...], most: int) -> CallList:
    """``found``: one more than ``most`` where there are more, in the direction in which was asked."""
    is_back = filters.after is not None
    has_more = len(found) > most
    # Asked backwards, the one too many is the newest.
    rows = (found[-most:] if is_back else found[:most]) if has_more else found
    is_first = filters.before is None and (filters.after is None or not has_more)
    has_older = has_more if not is_back else True
    return CallList(
        rows=tuple(map(_row, rows)),
        newer="" if is_first or not rows else filters.address(after=str(rows[0].id)),
        older=filters.address(before=str(rows[-1].id)) if rows and has_older else "",
        tenants=any(one.tenant != "local" for one in rows),
        chosen=tuple((TITLES[name], _said(name, item), filters.address(**{name: ""})) for name, item in filters.words.items()),
        command=command_of(filters),
    )


def _said(name: str, item: str) -> str:
    return dict(CHOICES[name]).get(item, item) if name in CHOICES else item


def _row(one: CallRow) -> Row:
    ending, tone = ENDING_WORDS.get(one.ending, (one.ending, "plainly"))
    return Row(
        invocation=one.invocation, at=one.at, agent=one.agent, package=one.package, tool=one.tool, tenant=one.tenant, decision=one.decision, ending=ending, tone=tone,
        code=one.code, risk=one.risk, took="" if one.us is None else duration(one.us), redactions=one.redactions,
    )  # fmt: skip


_OPTIONS = {"ok": "--outcome ok", "denied": "--decision deny", "asked": "--code approval.*", "interrupted": "--outcome interrupted"}


def command_of(filters: Filters) -> str:
    """What asks the same on the command line, as far as it has the same question."""
    parts = ["mpp audit search"]
    parts += [f"--{name} {shlex.quote(filters.get(name))}" for name in (*FIELDS, "decision", "risk", "since", "until") if filters.get(name)]
    for word in filters.get("q").split()[:WORDS_MAX]:
        fact, colon, name = word.partition(":")
        if colon and fact in FACTS and name:
            parts.append(f"--{fact} {shlex.quote(name)}")
        elif _ID.fullmatch(word.lower()):
            parts.append(f"--invocation {word.lower()}")
    parts += [_OPTIONS[filters.get("ending")]] if filters.get("ending") in _OPTIONS else []
    return " ".join(parts)
