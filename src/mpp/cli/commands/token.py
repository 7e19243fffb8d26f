"""``mpp token``: who may call this host over the network."""

from __future__ import annotations

import click

from mpp.cli.agreeing import agreed, told, yes_option
from mpp.cli.groups import Words
from mpp.cli.options import clock, home, json_option, now_option, parse_time, plain, show_time
from mpp.cli.screen import note, put_json, say
from mpp.errors import Refused
from mpp.host.system import SystemRandom
from mpp.host.tenants import (
    LOCAL_TENANT,
    TENANT_LABEL_CHARS_MAX,
    TENANT_RATE_MAX,
    TENANT_TOKENS_MAX,
    TenantToken,
    TenantTokens,
    TokenStore,
    digest_of,
    judge_tenant,
    new_tenant_token,
)
from mpp.host.tenants_views import VIEW_NAME, VIEW_NAME_CHARS_MAX, VIEW_NAME_FORM, View, Views, ViewStore
from mpp.limits import DAY_SECONDS
from mpp.model.jsontext import Json, shown
from mpp.stages.policy import judge_name

TENANT_TOKEN_DAYS = 90
"""Days for which a new token holds. Reason: long enough not to be renewed by habit; a leaked one ends by itself."""


@click.group(name="token", cls=Words, no_args_is_help=True, short_help="Say who may call this host over the network.")
def command() -> None:
    """Manage the tokens of `mpp serve --http`. Each is for one tenant, one agent and, if you say so, one user; what they may do stands in the policy.

    \b
    Examples:
      mpp token add planner --tenant acme --until 2027-01-01 > planner.token
      mpp token list
      mpp token revoke 1f0c3b9a77e2d410
      mpp token tenant acme --sees notes --sees crm
    """


def _store() -> TokenStore:
    return TokenStore(home().tokens)


@command.command(short_help="Make a token for an agent; it is shown once.")
@click.argument("agent")
@click.option("--tenant", default=LOCAL_TENANT, show_default=True, metavar="NAME", help="Whose packages, policy and record the agent sees.")
@click.option("--user", default="", metavar="NAME", help="The person for whom the agent acts.")
@click.option("--until", default="", metavar="TIME", help=f"The end.  [default: in {TENANT_TOKEN_DAYS} days]")
@click.option("--label", default="", metavar="TEXT", help="Where it is used, for the list.")
@click.option("--rate", default=0, type=click.IntRange(0, TENANT_RATE_MAX), metavar="N", help="Requests a minute; 0: as many as the server gives each token.")
@now_option
@yes_option
@json_option
def add(agent: str, tenant: str, user: str, until: str, label: str, rate: int, now: str | None, yes: bool, as_json: bool) -> None:
    """Make a token for AGENT, after a person at the terminal said yes, and print it once. Whoever has it is that agent; only its digest is kept here.

    \b
    Examples:
      mpp token add planner > planner.token
      mpp token add acme.example/planner --tenant acme --user ada@example.com --rate 600

    \b
    Exit codes: 0 made, 2 a wrong option, 22 nobody agreed, 25 no name of an agent.
    """
    judge_name(agent, "AGENT")
    judge_tenant(tenant, "--tenant")
    if user:
        judge_name(user, "--user")
    plain(label, "--label", TENANT_LABEL_CHARS_MAX)
    moment = clock(now).now()
    end = parse_time(until, "--until") if until else moment + TENANT_TOKEN_DAYS * DAY_SECONDS
    if end <= moment:
        raise Refused("usage.time", "the token would have ended already", where="--until", hint="give a later time")
    text, name = new_tenant_token(SystemRandom())
    held = TenantToken(id=name, sha256=digest_of(text), tenant=tenant, agent=agent, user=user, until=end, label=label, rate=rate)
    for_whom = f" for {user}" if user else ""
    how = agreed(f"Make a token by which whoever has it calls as {agent}{for_whom}, tenant {tenant}, until {show_time(end)}?", agent, yes=yes)
    _store().change(lambda known: _with(known, held))
    told("token", f"{tenant}/{agent}", f"added {name}", how)
    if as_json:
        put_json({"ok": True, "token": text, **_shown(held)})
        return
    say(text)
    note(f"This is the one time that it is shown. It holds until {show_time(end)}; end it with: mpp token revoke {name}")


def _with(known: TenantTokens, held: TenantToken) -> TenantTokens:
    if len(known) >= TENANT_TOKENS_MAX:
        raise Refused("agent.length", f"a host has at most {TENANT_TOKENS_MAX} tokens", hint="revoke some that are not used: `mpp token list`")
    return {**known, held.id: held}


def _shown(held: TenantToken) -> dict[str, Json]:
    return {
        "id": held.id,
        "tenant": held.tenant,
        "agent": held.agent,
        "user": held.user,
        "until": held.until,
        "label": held.label,
        "rate": held.rate,
    }


@command.command(name="list", short_help="Show the tokens, without what opens anything.")
@click.option("--tenant", default="", metavar="NAME", help="Only those of this tenant.")
@now_option
@json_option
def list_(tenant: str, now: str | None, as_json: bool) -> None:
    """Show which tokens there are. The tokens themselves are not kept and cannot be shown.

    \b
    Examples:
      mpp token list
      mpp token list --tenant acme --json

    \b
    Exit codes: 0 always, unless the list cannot be read.
    """
    moment = clock(now).now()
    found = [one for one in _store().load().values() if not tenant or one.tenant == tenant]
    found.sort(key=lambda one: (one.tenant, one.agent, one.until, one.id))
    if as_json:
        rows: list[Json] = [{**_shown(one), "ended": moment >= one.until} for one in found]
        put_json({"ok": True, "tokens": rows})
        return
    if not found:
        say("There is no token. `mpp token add AGENT` makes one.")
    for one in found:
        user = f" for {one.user}" if one.user else ""
        ended = "ended" if moment >= one.until else "until"
        more = (f"  {one.rate} a minute" if one.rate else "") + (f"  {one.label}" if one.label else "")
        say(f"{one.id}  {one.tenant}  {one.agent}{user}  {ended} {show_time(one.until)}{more}")


@command.command(short_help="End a token at once.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--tenant", default="", metavar="NAME", help="End all tokens of this tenant.")
@json_option
def revoke(ids: tuple[str, ...], tenant: str, as_json: bool) -> None:
    """End tokens, by their ids or all of a tenant. A running server takes them no more from its next request on; calls that run are not stopped.

    \b
    Examples:
      mpp token revoke 1f0c3b9a77e2d410
      mpp token revoke --tenant acme

    \b
    Exit codes: 0 ended, 2 a wrong option, 25 there is no such token.
    """
    if bool(ids) == bool(tenant):
        raise Refused("usage.option", "give the ids of tokens, or --tenant", hint="see `mpp token revoke --help`")
    gone: list[str] = []

    def step(known: TenantTokens) -> TenantTokens:
        wanted = set(ids) or {one.id for one in known.values() if one.tenant == tenant}
        missing = sorted(wanted - set(known))
        if missing or not wanted:
            what = f"no token {shown(missing[0])!r}" if missing else f"no token of the tenant {shown(tenant)!r}"
            raise Refused("agent.unknown", f"there is {what}", hint="see `mpp token list`")
        gone.extend(sorted(wanted))
        return {name: one for name, one in known.items() if name not in wanted}

    _store().change(step)
    for name in gone:
        told("token", name, "revoked", "")
    if as_json:
        put_json({"ok": True, "revoked": [*gone]})
        return
    for name in gone:
        say(f"Ended {name}.")


@command.command(short_help="Say which packages a tenant sees.")
@click.argument("name", default="")
@click.option("--sees", multiple=True, metavar="NAME", help="The alias of a package, or the whole name of a tool. May be repeated; replaces what stood there.")
@click.option("--sees-all", is_flag=True, help="All packages, also those that are installed later.")
@click.option("--sees-nothing", is_flag=True, help="No package.")
@click.option("--forget", is_flag=True, help="Remove what is said about this tenant.")
@yes_option
@json_option
def tenant(name: str, sees: tuple[str, ...], sees_all: bool, sees_nothing: bool, forget: bool, yes: bool, as_json: bool) -> None:
    """Say which of the installed packages the tenant NAME sees; without an option, show what each sees. A person at the terminal says yes, but for --sees-nothing. A running server follows within a second.

    Until something is said of one tenant, all see all. From then on a tenant of which nothing is said sees nothing, but for
    the tenant local, which sees all. What a tenant sees is still judged by the policy.

    \b
    Examples:
      mpp token tenant acme --sees notes --sees crm
      mpp token tenant acme --forget
      mpp token tenant

    \b
    Exit codes: 0 done, 2 a wrong option, 22 nobody agreed, 25 nothing is said of that tenant.
    """
    store = ViewStore(home().tenants)
    chosen = [bool(sees), sees_all, sees_nothing, forget]
    if not any(chosen):
        _show_views(store.load(), name, as_json=as_json)
        return
    if sum(chosen) != 1 or not name:
        raise Refused("usage.option", "name one tenant, and give one of --sees, --sees-all, --sees-nothing and --forget", hint="see `mpp token tenant --help`")
    judge_tenant(name, "NAME")
    view = None if forget else View(names=_judge_names(sees), sees_all=sees_all)

    def step(known: Views) -> Views:
        return _with_view(known, name, view)

    step(store.load())  # What cannot be done is said before anybody is asked.
    what = "what is seen by those of whom nothing is said" if forget else "all packages" if sees_all else ", ".join(sorted(set(sees)))
    how = "" if sees_nothing else agreed(f"Let the tenant {name} see {what}?", name, yes=yes)
    after = store.change(step)
    told("tenant", name, "forgotten" if forget else "sees all" if sees_all else f"sees {len(set(sees))}", how)
    _show_views(after, "", as_json=as_json)


def _judge_names(sees: tuple[str, ...]) -> frozenset[str]:
    for one in sees:
        if VIEW_NAME.fullmatch(one) is None or len(one) > VIEW_NAME_CHARS_MAX:
            raise Refused("usage.text", f"{shown(one)!r} is no such name", where="--sees", hint=f"write {VIEW_NAME_FORM}")
    return frozenset(sees)


def _with_view(known: Views, name: str, view: View | None) -> Views:
    if view is None and name not in known:
        raise Refused("agent.unknown", f"nothing is said of the tenant {name}", hint="see `mpp token tenant`")
    rest = {key: one for key, one in known.items() if key != name}
    return rest if view is None else {**rest, name: view}


def _show_views(views: Views, name: str, *, as_json: bool) -> None:
    found = {key: view for key, view in sorted(views.items()) if not name or key == name}
    if as_json:
        rows: list[Json] = [{"name": key, "all": view.sees_all, "sees": [*sorted(view.names)]} for key, view in found.items()]
        put_json({"ok": True, "tenants": rows, "others": "nothing" if views else "all"})
        return
    for key, view in found.items():
        say(f"{key}  {'all' if view.sees_all else ', '.join(sorted(view.names)) or 'nothing'}")
    say("All other tenants see nothing, but for local." if views else "All tenants see all packages.")
