"""One package from bytes to its place: verified, judged, shown to a person where it grows, compiled, put in place.

Spec: spec/store.md section 5 and 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from mpp.cli.agreeing import agreed, TERMINAL
from mpp.cli.calling import user_name
from mpp.cli.first_use import confirm
from mpp.cli.packages import FIRST_USE, take_bytes
from mpp.cli.screen import note, safe
from mpp.cli.store.from_registry import Origin, pin_by_namespace, same_as_proven
from mpp.cli.store.gathering import Wanted
from mpp.cli.store.layers import fetch_layer
from mpp.cli.store.opened import Opened, TENANT
from mpp.cli.store.progress import Working
from mpp.errors import Fault, MppError, Refused
from mpp.host.sources.naming import renamed
from mpp.host.store import Agreed, apply, Done, Plan, plan_for, Wish
from mpp.host.store.preparing import judge_texts, prepare
from mpp.host.withdrawn import remember, Status
from mpp.model.manifest import Manifest
from mpp.model.value import value
from mpp.stages.approval import Consent, consent_event, consent_of, keeps
from mpp.stages.archive import MANIFEST_NAME
from mpp.stages.gatekeeper import VerifiedPackage

LARGE_CODE_BYTES = 2_000_000
"""Bytes of code from which a person is told that it takes a moment. Reason: it compiles in about a second."""

WORDS = {
    "install": "install",
    "update": "update",
    "downgrade": "go back",
    "repair": "repair",
    "alias": "rename",
    "none": "leave",
}


@value
class Asks:
    """How a person can say yes to what grows."""

    yes: bool
    as_json: bool
    downgrade: bool = False
    publisher: str = ""
    """The whole fingerprint of a publisher, got another way: it replaces the question of first use."""


@value
class Change:
    """One package on its way, verified and judged; nothing of it is in place yet."""

    package: VerifiedPackage
    wish: Wish
    plan: Plan
    consent: Consent | None
    looks: tuple[str, ...]
    """What a model reads in it that a person should look at."""
    origin: Origin | None = None
    """What a registry proves of it."""


@value
class Changed:
    change: Change
    done: Done
    agreed: Agreed
    fresh: bool
    """Was the code compiled now, rather than known already?"""


def judged(wanted: Wanted, on: Opened, how: Asks) -> Change:
    """Verified, with a first use asked at the terminal, and planned. Raises Refused for what no yes would allow."""
    origin = wanted.origin
    if origin is not None:
        pin_by_namespace(wanted.found.data, origin)
    package = _taken(wanted, how)
    if origin is not None:
        same_as_proven(package, origin)
    wish = _wish(wanted, how)
    consent = on.consent(package.publisher_id, package.package_id)
    plan = plan_for(on.store, package, wish, consent=consent, reserved=on.taken)
    looks = (*_judged_texts(package, origin, on, how), *long_names(plan.entry.alias, package.manifest))
    return Change(package=package, wish=wish, plan=plan, consent=consent, looks=looks, origin=origin)


def _judged_texts(package: VerifiedPackage, origin: Origin | None, on: Opened, how: Asks) -> tuple[str, ...]:
    """What a person should look at. A layer that is not here yet comes from the registry of the tool."""
    others = on.store.tool_names(package.package_id)
    try:
        return judge_texts(package, on.home, others)
    except Refused as fault:
        named = package.manifest.runtime.layer
        line = fetch_layer(named, origin, quiet=how.as_json) if fault.code == "layer.missing" and named is not None and origin is not None else None
        if line is None:
            raise
    return (line, *judge_texts(package, on.home, others))


def _taken(wanted: Wanted, how: Asks) -> VerifiedPackage:
    origin = wanted.origin
    more = () if origin is None else origin.said()
    try:
        return take_bytes(wanted.found.data, ask=not how.as_json, more=more, expected=how.publisher).package
    except Refused as fault:
        if fault.code not in FIRST_USE or origin is None:
            raise
        hint = "call it in a terminal and compare the fingerprint, or give --publisher FINGERPRINT"
        raise Refused(fault.code, fault.message, where=fault.where, hint=hint) from None


def _wish(wanted: Wanted, how: Asks) -> Wish:
    wish = Wish(alias=wanted.alias, downgrade=how.downgrade, source=wanted.found.source)
    if wanted.origin is None:
        return wish
    proof = wanted.origin.proof
    return replace(wish, registry_id=proof.proven.registry_id, log_index=proof.proven.index, bundle=proof.bundle)


def long_names(alias: str, manifest: Manifest) -> tuple[str, ...]:
    """Some clients drop a tool whose name they do not take, without a word; so it is shown under another one, and its owner is told here."""
    found = renamed(alias, (tool.name for tool in manifest.tool_definitions))
    if not found:
        return ()
    whole, name = found[0]
    more = f", and {len(found) - 1} more so" if len(found) > 1 else ""
    return (f"clients do not take the name {whole}: agents see {name}{more}; `mpp list` has them, and --alias sets a shorter alias",)


def carried_out(change: Change, on: Opened, how: Asks) -> Changed:
    """Asked about, compiled, put in place. Whatever fails on the way leaves the store as it was."""
    # Planned anew: another package of the same command may have gone before.
    change = replace(change, plan=plan_for(on.store, change.package, change.wish, consent=change.consent, reserved=on.taken))
    yes = ask(change, how)
    before = _serving(change, on)
    with Working("compiling", quiet=how.as_json):
        compiled = prepare(change.package, on.home, working=_telling(quiet=how.as_json)).compiled
    done = apply(on.store, change.package, change.wish, on.events, agreed=yes, consent=change.consent, reserved=on.taken)
    if change.origin is not None:
        _remember(change.origin, on)
    if yes.amr == TERMINAL:
        _renew(change, before, on, yes)
    return Changed(change=change, done=done, agreed=yes, fresh=compiled.fresh)


def _remember(origin: Origin, on: Opened) -> None:
    found = origin.proof.proven
    status = Status(package_id=found.package_id, version=found.version, registry=origin.chosen.registry, status=found.status, at=found.at)
    remember(on.home, found.content_hash, status)


def ask(change: Change, how: Asks) -> Agreed:
    """Spec: store D-42, D-43. What grows is shown word for word, and a person says yes to that, or nothing happens."""
    lines, by = change.plan.asks, user_name()
    if not lines:
        return Agreed(lines=(), amr="", by=by)
    if how.yes:
        amr = agreed("", change.plan.package_id, yes=True)
        for line in lines:
            note(f"agreed by --yes: {safe(line)}")
        return Agreed(lines=lines, amr=amr, by=by)
    if not how.as_json and confirm("\n".join(safe(one) for one in question(change))):
        return Agreed(lines=lines, amr=TERMINAL, by=by)
    raise refusal(change.plan)


def question(change: Change) -> list[str]:
    """Each difference on a line of its own, below who it is about."""
    plan, package = change.plan, change.package
    versions = f"{plan.before} -> {package.version}" if plan.before else package.version
    return [
        "",
        f"To {WORDS[plan.change]} {plan.package_id} ({versions}) needs your yes:",
        *(f"  + {line}" for line in plan.asks),
        *(f"  ! {line}" for line in change.looks),
        "Type yes to allow it: ",
    ]


def refusal(plan: Plan) -> Refused:
    """One fault for each difference, so that a program can show them."""
    hint = "answer yes in a terminal, or add --yes if you are that person"
    if plan.change == "downgrade":
        return Refused.of(tuple(Fault("consent.downgrade", plan.package_id, line, hint) for line in plan.asks))
    return Refused.of(tuple(Fault("consent.growth", plan.package_id, line, hint) for line in plan.asks))


def _telling(*, quiet: bool) -> Callable[[int], None]:
    def told(size: int) -> None:
        if size >= LARGE_CODE_BYTES and not quiet:
            note(f"preparing {size / 1e6:.1f} MB of code; it is compiled once on this machine")

    return told


def _serving(change: Change, on: Opened) -> VerifiedPackage | None:
    """The version that is served now, as far as it can be read."""
    row = next((one for one in on.store.active() if one.package_id == change.package.package_id), None)
    if row is None:
        return None
    try:
        return on.store.open(row)
    except MppError:
        return None


def _renew(change: Change, before: VerifiedPackage | None, on: Opened, yes: Agreed) -> None:
    """A person who saw all that is new since their last yes need not be asked for it again at the next call.

    Attack: a version that grew by ``--yes``, then one that grows a little, and with the yes to the little one to both.
    """
    old, package = change.consent, change.package
    # Where the version before could not be read, the person was not shown what it had that they never agreed to.
    if old is None or on.approvals is None or (before is None and change.plan.before):
        return
    if before is not None and not keeps(old, before.manifest, tenant=TENANT, publisher_id=before.publisher_id).kept:
        return
    data = package.read(MANIFEST_NAME) or b""
    consent = consent_of(
        package.manifest, data, tenant=TENANT, publisher_id=package.publisher_id, by=yes.by, amr=yes.amr, now=on.store.clock.now()
    )  # fmt: skip
    on.approvals.put_consent(consent)
    on.events.record(consent_event(consent), durable=True)
