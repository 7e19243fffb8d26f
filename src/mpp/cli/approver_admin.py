"""Who may approve on this host."""

from __future__ import annotations

import os

from mpp.cli.agent_keys import read_public_text
from mpp.cli.agreeing import FLAG, agreed, told
from mpp.cli.options import home, plain, quoted, read_passphrase, show_time
from mpp.cli.screen import note, put_json, safe, say, table
from mpp.crypto import base64text
from mpp.crypto.ed25519 import SEED_BYTES, SeedSigner, fingerprint, key_id
from mpp.errors import Refused
from mpp.host.answering import APPROVER_FOLDER
from mpp.host.approver_store import (
    PASSPHRASE,
    TERMINAL,
    ApproverStore,
    make_approver_key,
    open_approver_key,
    read_approver_key,
    with_approver,
    without_approver,
)
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.value import value
from mpp.stages.approval import ADMIN, APPROVES, Approver, Approvers, read_approvers, write_approvers
from mpp.stages.approval.limits import APPROVER_NAME_CHARS_MAX


@value
class Enrolment:
    id: str
    name: str
    public: str
    output: str
    roles: tuple[str, ...]
    packages: tuple[str, ...]
    until: int | None
    no_passphrase: bool
    passphrase_file: str | None


def key_path(approver: str) -> str:
    """Where the key of an approver is, unless it was put elsewhere."""
    return os.path.join(home().keys, APPROVER_FOLDER, f"{approver}.key")


def enroll_approver(wanted: Enrolment, *, by_key: str, yes: bool, as_json: bool) -> None:
    plain(wanted.name, "--name", APPROVER_NAME_CHARS_MAX)
    store = ApproverStore(home().approvers)
    path = "" if wanted.public else os.path.abspath(wanted.output) if wanted.output else key_path(wanted.id)
    if path and os.path.lexists(path):
        raise Refused("key.exists", "the file exists already", where=path, hint="name another file with -o; a key is never overwritten")
    public = read_public_text(wanted.public, "--public") if wanted.public else SeedSigner(SystemRandom().bytes(SEED_BYTES)).public_key
    # Everything that can be refused is refused before anybody is asked and a key is made.
    read_approvers(write_approvers(with_approver(store.load(), _approver(wanted, public, TERMINAL))), where=store.path)
    how = _agreed(wanted, store.load(), by_key=by_key, yes=yes)
    if path:
        passphrase = None if wanted.no_passphrase else read_passphrase(wanted.passphrase_file, confirm=True, what="the approver's new key")
        public = make_approver_key(path, SystemRandom(), passphrase)
    # Attack: an agent that says --yes and brings a key of its own would answer what needs a person's passphrase.
    is_strong = how != FLAG and not (wanted.no_passphrase and path)
    one = _approver(wanted, public, PASSPHRASE if is_strong else TERMINAL)
    store.change(lambda approvers: with_approver(approvers, one))
    told("approver", one.id, "enrolled", how)
    _show_enrolled(one, path, how, wanted, as_json=as_json)


def _approver(wanted: Enrolment, public: bytes, amr: str) -> Approver:
    return Approver(id=wanted.id, name=wanted.name, roles=wanted.roles, key=public, packages=wanted.packages, until=wanted.until, amr=amr)


def _show_enrolled(one: Approver, path: str, how: str, wanted: Enrolment, *, as_json: bool) -> None:
    if as_json:
        put_json({"ok": True, "approver": _json(one), "key_file": path or None})
        return
    say(f"{safe(one.id)} may approve on this host, with the key {fingerprint(key_id(one.key))[:39]}.")
    if path:
        note(f"The key is in {path}.")
    if wanted.no_passphrase and path:
        note("The key lies open: its answers count no more than a yes at the terminal.")
    elif how == FLAG:
        note("Enrolled by --yes: its answers count no more than a yes at the terminal. Enroll at a terminal for what is high or critical.")


def _agreed(wanted: Enrolment, known: Approvers, *, by_key: str, yes: bool) -> str:
    """Attack: an agent that can call commands makes itself an approver, with a passphrase of its own choice."""
    if by_key:
        return _by_approver(known, by_key)
    if any(one.amr == PASSPHRASE for one in known.known.values()):
        hint = "give --by FILE, the key of an approver, and type its passphrase"
        raise Refused("consent.missing", "only an approver of this host may make another one", where=wanted.id[:80], hint=hint)
    if yes and known.known:
        raise Refused("consent.fleet", "--yes is for the first approver of a host", hint="give --by FILE, the key of an approver")
    what = f"Let {quoted(wanted.name)} ({safe(wanted.id)}) approve calls on this host, as {', '.join(wanted.roles)}?"
    return agreed(what, wanted.id, yes=yes)


def _by_approver(known: Approvers, path: str) -> str:
    """An approver agrees with their key: a sealed one with its passphrase, typed now."""
    key = read_approver_key(path)
    passphrase = read_passphrase(None, confirm=False, what="the key of the approver who agrees") if key.sealed else None
    signer, amr = open_approver_key(path, passphrase)
    one = known.of_key(key_id(signer.public_key))
    # Who is only the second of two does not choose the first.
    if one is None or not {APPROVES, ADMIN} & set(one.roles) or (one.until is not None and SystemClock().now() > one.until):
        raise Refused(
            "approval.approver", "this is not the key of an approver of this host who may decide that", where=path, hint="take the key of another approver"
        )
    return amr if one.amr == PASSPHRASE else FLAG


def show_approvers(*, as_json: bool) -> None:
    known = ApproverStore(home().approvers).load().known
    if as_json:
        rows: list[Json] = [_json(one) for one in known.values()]
        put_json({"ok": True, "file": home().approvers, "approvers": rows})
        return
    if not known:
        say("Nobody is an approver yet. `mpp approve enroll ID` makes one.")
    table([(one.id, quoted(one.name), ", ".join(one.roles), ", ".join(one.packages) or "all packages", _until(one)) for one in known.values()], indent="")


def _until(one: Approver) -> str:
    return f"until {show_time(one.until)}" if one.until is not None else ""


def _json(one: Approver) -> Json:
    return {
        "id": one.id, "name": one.name, "roles": [*one.roles], "packages": [*one.packages], "until": one.until, "most": one.amr,
        "public": base64text.encode(one.key) if one.key else None, "issuer": one.issuer or None, "subject": one.subject or None,
    }  # fmt: skip


def dismiss_approver(approver: str, *, by_key: str, as_json: bool) -> None:
    """Attack: an agent that dismisses every approver may then make itself the first one."""
    store = ApproverStore(home().approvers)
    known = store.load()
    without_approver(known, approver)
    how = _by_approver(known, by_key) if by_key else agreed(f"Take the approver {safe(approver)} away?", approver, yes=None)
    store.change(lambda approvers: without_approver(approvers, approver))
    told("approver", approver, "dismissed", how)
    if as_json:
        put_json({"ok": True, "changed": approver})
    else:
        say(f"{safe(approver)} is no approver any more. Answers and approvals under that key no longer count.")
