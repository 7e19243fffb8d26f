"""Taking a policy into use, by a file or by pulling: a person says yes, and it is recorded."""

from __future__ import annotations

from functools import partial

from mpp.cli.calling import user_name
from mpp.cli.first_use import confirm
from mpp.cli.options import home, quoted, show_time
from mpp.cli.policy_files import Named, count, read_named, store, warn
from mpp.host.policy_lint import warnings
from mpp.cli.screen import note, put_json, safe, say
from mpp.crypto.ed25519 import fingerprint
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.host.fleet import fleet_settings, refuse_in_fleet
from mpp.host.audit.log import AuditLog
from mpp.host.policy_compare import compare, RuleChanges
from mpp.host.policy_layers import policy_digest
from mpp.host.policy_patterns import admit_patterns
from mpp.host.policy_pull import Fetched, get, Pulled, Puller
from mpp.host.policy_store import PolicyStore
from mpp.host.policy_use import put_document, remove_documents
from mpp.host.system import SystemClock
from mpp.host.trust_store import load_chain_file
from mpp.model.jsontext import Json
from mpp.stages.policy import Policy, policy_event

FLAG, TERMINAL = "flag", "tty"


def use(name: str, *, yes: bool, as_json: bool) -> None:
    """Make a document or a preset the user's policy."""
    held, named = store(), read_named(name)
    if named.bundle is not None:
        raise Refused(
            "policy.bundle", "this is a signed bundle: it is pulled, so that its next version can be", where=name, hint=f"run: mpp policy pull {name}"
        )
    admit_patterns(named.policy, home())
    before = _own(held)
    changes = compare(before, named.policy)
    found = warnings(named.policy, SystemClock().now())
    how = _agreed(_use_question(named, changes, found), yes=yes)
    path = put_document(held.user_documents, named.data, _puller(held))
    digest = policy_digest(named.policy)
    _record("used", named.policy.name, digest, how, source=named.source)
    if as_json:
        put_json({"ok": True, "policy": named.policy.name, "file": path, "digest": digest, "by": how, "changes": changes.to_json(), "warnings": [*found]})
        return
    for warning in found if yes else ():
        note(f"warning: {warning}")
    say(f"The user policy is now {quoted(named.policy.name)}: {path}")
    for line in changes.lines():
        say(f"  {line}")
    _say_binding()


def stop_using(*, yes: bool, as_json: bool) -> None:
    """Take the user's policy away, whichever it is."""
    held = store()
    before = _own(held)
    words = "There is no user policy" if before is None else f"Take away the user policy {before.name!r}"
    how = _agreed(f"{safe(words)}.\nWhere no policy is left, the preset developer stands in.\nType yes to do it: ", yes=yes)
    gone = remove_documents(held.user_documents, _puller(held))
    if gone:
        _record("removed", before.name if before is not None else "", "", how)
    if as_json:
        put_json({"ok": True, "removed": gone, "by": how})
        return
    say("The user policy is gone." if gone else "There was no user policy.")
    _say_binding()


def _own(held: PolicyStore) -> Policy | None:
    one = held.current().layer("user")
    return one.policy if one is not None and one.kind in {"document", "bundle"} else None


def _puller(held: PolicyStore) -> Puller:
    return Puller(held.bundle_paths, held.memory, system=held.system, admit=partial(admit_patterns, home=home()))


def _use_question(named: Named, changes: RuleChanges, found: list[str]) -> str:
    lines = [
        f"Take {named.policy.name!r} into use as the user policy ({count(len(named.policy.rules), 'rule')}).",
        *(f"  {line}" for line in changes.lines()),
        *(f"  WARNING      {warning}" for warning in found),
        "It decides which tools run without a question from now on.",
        "Type yes to take it: ",
    ]
    return "\n".join(safe(line) for line in lines)


def _agreed(question: str, *, yes: bool) -> str:
    """How somebody agreed. Attack: an agent that can call commands writes itself a policy that allows everything."""
    if yes:
        refuse_in_fleet(fleet_settings(), "--yes")
        return FLAG
    if confirm(question):
        return TERMINAL
    raise Refused("policy.unconfirmed", "nobody agreed to it", hint="answer yes in a terminal, or add --yes if you are that person")


def _record(what: str, name: str, digest: str, how: str, *, source: str = "", version: int = 0, publisher: str = "", layer: str = "user") -> None:
    event = policy_event(
        what, layer, at=SystemClock().now(), source=source, name=name, digest=digest, version=version, publisher=publisher, why=f"by {user_name()}, {how}"
    )
    with AuditLog(home()) as log:
        log.record(event, durable=True)


def _say_binding() -> None:
    # Looked at as another process would: ours leaves a file alone that has changed just now.
    loaded = store().current()
    warn(loaded.faults)
    above = [one for one in loaded.layers if one.layer != "user"]
    if above:
        note(f"The {' and the '.join(one.layer for one in above)} policy binds beside it; the strictest wins.")
    note("See `mpp policy show`, and `mpp policy explain PACKAGE` for a call.")


def pull(source: str | None, root: str | None, expected: str, *, as_json: bool) -> None:
    """Pull a bundle, or each that this home and this machine are enrolled for."""
    held = store()
    puller = _puller(held)
    if source is None and (root is not None or expected):
        raise Refused(
            "usage.option", "--root and --fingerprint are for the first pull, which needs a source", hint="name the file or the address of the bundle"
        )
    chain = load_chain_file(root) if root is not None else None
    done = [_pull_one(one, chain, expected, held, puller) for one in ([source] if source is not None else puller.sources())]
    if as_json:
        put_json({"ok": True, "pulled": [_pulled_json(one) for one in done]})
        return
    for one in done:
        _show_pulled(one)
    _say_binding()


def _pull_one(source: str, root: RootChain | None, expected: str, held: PolicyStore, puller: Puller) -> Pulled:
    fetched = get(source)
    enrol, how = None, "enrolled"
    if puller.needs_enrolment(fetched):
        enrol, how = root or fetched.chain, _enrolled(fetched, root, expected, held)
    elif expected and _digits(expected) != fetched.chain.publisher_id:
        raise _another(source)
    done = puller.install(fetched, SystemClock().now(), enrol=enrol)
    if enrol is not None:
        # One policy per layer: the signed one takes the place of what the user wrote, as the question said.
        remove_documents(held.user_documents, None)
    body = done.bundle.body
    _record("pulled", body.name, done.bundle.digest, how, source=done.source, version=body.version, publisher=done.bundle.chain.publisher_id, layer=done.layer)
    return done


def _digits(text: str) -> str:
    return text.replace(" ", "").replace(":", "").lower()


def _another(source: str) -> Refused:
    return Refused("policy.fingerprint", "the fingerprint is another one", where=source, hint="stop: this is not the signer you expect")


def _enrolled(fetched: Fetched, root: RootChain | None, expected: str, held: PolicyStore) -> str:
    """How somebody agreed to take this signer's policies from now on. Attack: the first policy that is offered names its own signer."""
    if root is not None and root.publisher_id != fetched.chain.publisher_id:
        raise Refused(
            "policy.publisher", "the bundle is not of the publisher in --root", where=fetched.source, hint="get the right bundle, or the right publisher.json"
        )
    if expected:
        if _digits(expected) != fetched.chain.publisher_id:
            raise _another(fetched.source)
        return "fingerprint"
    if confirm(_enrol_question(fetched, _own(held))):
        return TERMINAL
    hint = "compare it in a terminal and answer yes, or give it in full with --fingerprint"
    raise Refused("policy.unconfirmed", "nobody confirmed the fingerprint of the signer", where=fetched.source, hint=hint)


def _enrol_question(fetched: Fetched, own: Policy | None) -> str:
    """Attack: the name is chosen freely, so it comes last, quoted and cut."""
    digits = fingerprint(fetched.chain.publisher_id)
    half = len(digits) // 2
    lines = [
        "",
        "This home takes policies from nobody yet.",
        f"  fingerprint  {digits[:half]}",
        f"               {digits[half + 1 :]}",
        *([f"  WARNING      your own policy {own.name!r} goes"] if own is not None else []),
        f"  calls itself {quoted(fetched.chain.newest.name)}",
        "               (anybody can choose this name)",
        "Compare the fingerprint with one you got another way. Whoever it is decides from",
        "now on, with each new version, which tools run here without a question.",
        "Type yes to take its policies: ",
    ]
    return "\n".join(safe(line) for line in lines)


def _pulled_json(one: Pulled) -> Json:
    body = one.bundle.body
    return {
        "layer": one.layer, "source": one.source, "file": one.path, "name": body.name, "version": body.version, "before": one.before_version,
        "digest": one.bundle.digest, "publisher": one.bundle.chain.publisher_id, "expires": body.expires, "changes": compare(one.before, body.policy).to_json(),
    }  # fmt: skip


def _show_pulled(one: Pulled) -> None:
    body = one.bundle.body
    was = f", was {one.before_version}" if one.before is not None else ""
    same = one.before is not None and one.before_version == body.version
    say(
        f"{'Still' if same else 'Pulled'} {quoted(body.name)} version {body.version}{'' if same else was}, for the {one.layer} layer, until {show_time(body.expires)}"
    )
    for line in compare(one.before, body.policy).lines():
        say(f"  {line}")
