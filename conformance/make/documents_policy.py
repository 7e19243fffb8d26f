"""Policies: each condition on a package, on who calls, on time and risk; and what it says in doubt. Spec: 3-policy.md section 3."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.make.build import NOW
from conformance.make.documents import DAY, Document
from conformance.make.policies import EMPTY, Matcher, matched
from mpp.model.jsontext import Json

# One case a line, however long.
# fmt: off

HOUR = 3600


def package(name: str, **more: Json) -> dict[str, Json]:
    return {"package_id": name, **more}


def agent(name: str = "planner", level: str = "launched") -> dict[str, Json]:
    return {"agent": {"name": name, "level": level, "key": "", "issuer": ""}}


def risk(score: int) -> dict[str, Json]:
    return {"risk": {"score": score, "band": ("low", "medium", "high", "critical")[min(score // 25, 3)], "reasons": []}}


def each(key: str, *items: Json) -> tuple[dict[str, Json], ...]:
    """Calls that differ in one thing."""
    return tuple({key: item} for item in items)


def at(*offsets: int) -> tuple[dict[str, Json], ...]:
    """Calls at moments so many seconds after midnight of Thursday, 2026-01-01."""
    return tuple({"now": NOW + offset} for offset in offsets)


OPENS: Json = {**EMPTY, "kv_max_bytes": 1}
UNBOUND: dict[str, Json] = {"bound": False}

PACKAGES: tuple[Matcher, ...] = (
    Matcher(name="package-exact", title="One package id", clauses="P-21 P-34", when={"packages": ["com.example.mail"]}, yes=({},), no=tuple(map(package, ("com.example.mail2", "com.example.mai", "com.example.mail.pro", "org.example.mail"))), unclear=(UNBOUND,)),
    Matcher(name="package-below", title="All package ids below a prefix", clauses="P-21 P-34", when={"packages": ["com.example.*"]}, yes=tuple(map(package, ("com.example.mail", "com.example.mail.pro", "com.example.x"))), no=tuple(map(package, ("com.examplefoo", "com.examplefoo.mail", "com.example", "org.com.example.mail", "com.example-x.mail"))), unclear=(UNBOUND, package("com.example.a.b.c", bound=False))),
    Matcher(name="package-any", title="Any package id", clauses="P-21 P-34", when={"packages": ["*"]}, yes=tuple(map(package, ("com.example.mail", "a.b"))), unclear=(UNBOUND,)),
    Matcher(name="package-several", title="Several patterns of package ids, of which one must fit", clauses="P-21 P-34", when={"packages": ["org.other.*", "com.example.mail"]}, yes=tuple(map(package, ("org.other.x", "com.example.mail"))), no=tuple(map(package, ("org.other", "com.example.x"))), unclear=(package("org.other.x", bound=False),)),
    Matcher(name="package-empty", title="An empty list of packages", clauses="P-7 P-21 P-34", when={"packages": []}, no=({}, UNBOUND)),
    Matcher(name="publisher", title="The id of a publisher", clauses="P-30", when={"publishers": ["ab" * 32]}, yes=({}, UNBOUND, {"publisher_name": "Other"}), no=({"publisher_id": "ac" * 32}, {"publisher_id": "ba" * 32})),
    Matcher(name="publisher-empty", title="An empty list of publishers", clauses="P-7 P-30", when={"publishers": []}, no=({},)),
    Matcher(name="version-range", title="A range of versions", clauses="P-26 P-27", when={"versions": [">=1.2.0 <2.0.0"]}, yes=each("version", "1.2.0", "1.4.0", "1.10.0", "1.99.99", "1.4.0+build.7"), no=each("version", "1.1.9", "0.9.0", "2.0.0", "10.0.0", "2.0.1-beta", "3.0.0-rc.1"), unclear=each("version", "1.5.0-rc.1", "2.0.0-beta", "1.2.0-alpha")),
    Matcher(name="version-exact", title="One version", clauses="P-26 P-27", when={"versions": ["=1.4.0"]}, yes=each("version", "1.4.0", "1.4.0+a"), no=each("version", "1.4.1", "1.3.9", "1.40.0"), unclear=each("version", "1.4.0-rc.1")),
    Matcher(name="version-pre-release", title="A pre-release that is named", clauses="P-26 P-27", when={"versions": ["=2.0.0-beta.2"]}, yes=each("version", "2.0.0-beta.2"), no=each("version", "2.0.0", "2.0.0-beta.10", "2.0.0-beta")),
    Matcher(name="version-order", title="A range that names a pre-release, by the order of versions", clauses="P-26 P-27", when={"versions": [">=2.0.0-beta.2 <2.0.0"]}, yes=each("version", "2.0.0-beta.2", "2.0.0-beta.10", "2.0.0-rc.1"), no=each("version", "2.0.0-alpha.9", "2.0.0-beta.1", "2.0.0", "1.9.0")),
    Matcher(name="version-either", title="Two ranges, of which one must fit", clauses="P-26 P-27", when={"versions": ["<1.0.0", ">2.0.0"]}, yes=each("version", "0.9.9", "2.0.1"), no=each("version", "1.0.0", "1.4.0", "2.0.0")),
    Matcher(name="version-empty", title="An empty list of ranges", clauses="P-7 P-26 P-27", when={"versions": []}, no=each("version", "1.4.0", "1.4.0-rc.1")),
    Matcher(name="tool-exact", title="One tool", clauses="P-20", when={"tools": ["send"]}, yes=({},), no=each("tool", "list", "Send", "send2", "sen")),
    Matcher(name="tool-prefix", title="Tools that begin alike", clauses="P-20", when={"tools": ["get_*"]}, yes=each("tool", "get_a", "get_all.b-c", "get_"), no=each("tool", "get", "Get_a", "forget_a", "get-a")),
    Matcher(name="tool-suffix", title="Tools that end alike", clauses="P-20", when={"tools": ["*_all"]}, yes=each("tool", "send_all", "a_all"), no=each("tool", "all", "send_all2", "send_ALL")),
    Matcher(name="tool-middle", title="Tools that begin and end alike; the two ends may not share letters", clauses="P-20", when={"tools": ["ab*ba"]}, yes=each("tool", "abba", "ab.ba", "abxba"), no=each("tool", "aba", "ab", "abxb", "xabba")),
    Matcher(name="tool-empty", title="An empty list of tools", clauses="P-7 P-20", when={"tools": []}, no=({},)),
    Matcher(name="bound", title="A package id that is bound to its publisher", clauses="P-30", when={"bound": True}, yes=({},), no=(UNBOUND,)),
    Matcher(name="bound-not", title="A package id that is not bound to its publisher", clauses="P-30", when={"bound": False}, yes=(UNBOUND,), no=({},)),
    Matcher(name="consented", title="A package that somebody agreed to", clauses="P-30", when={"consented": True}, yes=({},), no=({"consented": False},)),
    Matcher(name="consented-not", title="A package that nobody agreed to", clauses="P-30", when={"consented": False}, yes=({"consented": False},), no=({},)),
    Matcher(name="internal", title="A package with internal hosts", clauses="P-30", when={"internal": True}, yes=({"internal_hosts": ["db.internal:443"]},), no=({},)),
    Matcher(name="internal-not", title="A package without internal hosts", clauses="P-30", when={"internal": False}, yes=({},), no=({"internal_hosts": ["db.internal:443"]},)),
    Matcher(name="asks", title="A package that asks for something", clauses="P-30", when={"asks": True}, yes=({"scope": OPENS},), no=({},), unclear=({"unknown": ["scope"]},)),
    Matcher(name="asks-not", title="A package that asks for nothing", clauses="P-30", when={"asks": False}, yes=({},), no=({"scope": OPENS},), unclear=({"unknown": ["scope"]},)),
)

CALLERS: tuple[Matcher, ...] = (
    Matcher(name="agent-exact", title="One agent", clauses="P-20 P-33", when={"agents": ["planner"]}, yes=(agent(), agent(level="signed")), no=tuple(map(agent, ("planner2", "planne", "acme/planner", "")))),
    Matcher(name="agent-below", title="Agents of one organisation", clauses="P-20 P-33", when={"agents": ["acme/*"]}, yes=tuple(map(agent, ("acme/bot", "acme/a/b"))), no=tuple(map(agent, ("acme", "acme.evil/bot", "x/acme/bot")))),
    Matcher(name="agent-any", title="Any agent, also one without a name", clauses="P-20 P-33", when={"agents": ["*"]}, yes=(agent(), agent("", "anonymous"))),
    Matcher(name="agent-empty", title="An empty list of agents", clauses="P-7 P-20 P-33", when={"agents": []}, no=(agent(), agent(""))),
    Matcher(name="agent-at-least-launched", title="An agent of whom the host knows something", clauses="I-3 P-30", when={"agent_at_least": "launched"}, yes=(agent(), agent(level="token"), agent(level="signed")), no=(agent("", "anonymous"), agent("planner", "anonymous"))),
    Matcher(name="agent-at-least-signed", title="An agent that signed the call", clauses="I-3 P-30", when={"agent_at_least": "signed"}, yes=(agent(level="signed"),), no=(agent(level="token"), agent(), agent("", "anonymous"))),
    Matcher(name="agent-under-token", title="An agent of whom the host is less sure than by a token", clauses="I-3 P-30", when={"agent_below": "token"}, yes=(agent(), agent("", "anonymous")), no=(agent(level="token"), agent(level="signed"))),
    Matcher(name="agent-between", title="An agent known by a token alone", clauses="I-3 P-30", when={"agent_at_least": "token", "agent_below": "signed"}, yes=(agent(level="token"),), no=(agent(), agent(level="signed"))),
    Matcher(name="user-exact", title="One user", clauses="P-20", when={"users": ["ada"]}, yes=({},), no=each("user", "eve", "", "Ada", "ada2"), unclear=({"unknown": ["user"]},)),
    Matcher(name="user-letters", title="A user whose name has letters of several scripts", clauses="P-20", when={"users": ["\u00e4da \u6f22"]}, yes=each("user", "\u00e4da \u6f22"), no=each("user", "a\u0308da \u6f22", "ada", "\u00c4da \u6f22")),
    Matcher(name="user-domain", title="Users of one domain", clauses="P-20", when={"users": ["*@example.com"]}, yes=each("user", "ada@example.com", "a.b@example.com"), no=each("user", "ada@example.org", "ada@example.com.evil.net", "ada@sub.example.com"), unclear=({"unknown": ["user"]},)),
    Matcher(name="user-empty", title="An empty list of users", clauses="P-7 P-20", when={"users": []}, no=each("user", "ada", "")),
    Matcher(name="origin", title="The idea came from a model or from automation", clauses="P-30", when={"origins": ["model", "automation"]}, yes=each("origin", "model", "automation"), no=each("origin", "human")),
    Matcher(name="origin-empty", title="An empty list of origins", clauses="P-7 P-30", when={"origins": []}, no=each("origin", "model", "human", "automation")),
)

AMOUNTS: tuple[Matcher, ...] = (
    Matcher(name="level", title="Tools of two security levels", clauses="P-30", when={"security_levels": ["medium", "critical"]}, yes=each("security_level", "medium", "critical"), no=each("security_level", "low", "high")),
    Matcher(name="level-empty", title="An empty list of security levels", clauses="P-7 P-30", when={"security_levels": []}, no=each("security_level", "low", "medium", "high", "critical")),
    Matcher(name="risk-least", title="A risk of 50 or more", clauses="P-30", when={"risk": {"least": 50}}, yes=(risk(50), risk(100)), no=(risk(49), risk(0))),
    Matcher(name="risk-most", title="A risk of 24 at most", clauses="P-30", when={"risk": {"most": 24}}, yes=(risk(24), risk(0)), no=(risk(25), risk(100))),
    Matcher(name="risk-between", title="A risk of 25 to 49", clauses="P-30", when={"risk": {"least": 25, "most": 49}}, yes=(risk(25), risk(49)), no=(risk(24), risk(50))),
    Matcher(name="risk-nothing", title="No risk at all", clauses="P-30", when={"risk": {"most": 0}}, yes=(risk(0),), no=(risk(1),)),
)

TIMES: tuple[Matcher, ...] = (
    Matcher(name="time-days", title="Days of the week", clauses="P-36", when={"when": {"days": ["thu", "sat"]}}, yes=at(0, DAY - 1, 2 * DAY, 3 * DAY - 1), no=at(-1, DAY, 3 * DAY)),
    Matcher(name="time-days-empty", title="An empty list of days", clauses="P-7 P-36", when={"when": {"days": []}}, no=at(0, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY, 6 * DAY)),
    Matcher(name="time-hours", title="A part of the day", clauses="P-36", when={"when": {"from": "08:00", "until": "18:00"}}, yes=at(8 * HOUR, 18 * HOUR - 1, DAY + 12 * HOUR), no=at(8 * HOUR - 1, 18 * HOUR, 0)),
    Matcher(name="time-night", title="A part of the day past midnight", clauses="P-36", when={"when": {"from": "22:00", "until": "06:00"}}, yes=at(22 * HOUR, DAY - 1, 0, 6 * HOUR - 1), no=at(22 * HOUR - 1, 6 * HOUR, 12 * HOUR)),
    Matcher(name="time-night-of-day", title="The night that begins on a Thursday", clauses="P-36", when={"when": {"days": ["thu"], "from": "22:00", "until": "06:00"}}, yes=at(22 * HOUR, DAY - 1, DAY, DAY + 6 * HOUR - 1), no=at(0, 6 * HOUR - 1, DAY + 6 * HOUR, DAY + 22 * HOUR)),
    Matcher(name="time-first-day", title="From a day on", clauses="P-36", when={"when": {"not_before": "2026-01-02"}}, yes=at(DAY, 400 * DAY), no=at(DAY - 1, 0)),
    Matcher(name="time-last-day", title="Until a day, that day included", clauses="P-36", when={"when": {"not_after": "2026-01-02"}}, yes=at(0, 2 * DAY - 1, -400 * DAY), no=at(2 * DAY)),
    Matcher(name="time-leap-day", title="One day, which only leap years have", clauses="P-36", when={"when": {"not_before": "2028-02-29", "not_after": "2028-02-29"}}, yes=at(789 * DAY, 790 * DAY - 1), no=at(789 * DAY - 1, 790 * DAY)),
    Matcher(name="time-all", title="A day of the week, an hour and days of the calendar together", clauses="P-36", when={"when": {"days": ["fri"], "from": "08:00", "until": "09:00", "not_before": "2026-01-02", "not_after": "2026-01-09"}}, yes=at(DAY + 8 * HOUR, 8 * DAY + 8 * HOUR), no=at(8 * HOUR, DAY + 9 * HOUR, 15 * DAY + 8 * HOUR)),
)

TOGETHER: tuple[Matcher, ...] = (
    Matcher(
        name="conditions-together", title="Several conditions, which must all hold", clauses="P-30", when={"packages": ["com.example.*"], "tools": ["send"], "users": ["ada"], "risk": {"most": 49}},
        yes=({},), no=({"tool": "list"}, {"user": "eve"}, risk(50), package("org.other.x"), {"tool": "list", "bound": False}, {"user": "eve", "bound": False}), unclear=(UNBOUND, {"unknown": ["user"]}, {"bound": False, "unknown": ["user"]}),
    ),
    Matcher(name="conditions-none", title="A rule without conditions", clauses="P-7", when={}, yes=({}, UNBOUND, agent("", "anonymous"), risk(100), {"unknown": ["arguments", "user", "scope"]})),
)


def documents() -> Iterator[Document]:
    """Conditions on everything but arguments and what a package declares."""
    yield from matched((*PACKAGES, *CALLERS, *AMOUNTS, *TIMES))
    yield from matched(TOGETHER, effects=("allow", "ask", "deny"))
