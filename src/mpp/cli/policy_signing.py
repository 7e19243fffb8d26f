"""``mpp policy sign``: a document becomes a bundle that machines take by themselves."""

from __future__ import annotations

import os
import re

from mpp.author.keys import CHAIN_FILE, key_is_sealed, load_chain, load_signer
from mpp.author.policy_sign import SignedPolicy, cosign_policy, next_version, sign_policy
from mpp.author.signer_command import CommandSigner
from mpp.cli.options import clock, home, in_shell, parse_time, plain, quoted, read_passphrase, shorter, show_time
from mpp.cli.policy_files import BUNDLE_BEGINS, ago, Named, read_named
from mpp.host.policy_lint import warnings
from mpp.host.policy_patterns import admit_patterns
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import short_id
from mpp.crypto.roots import RootChain
from mpp.errors import Refused
from mpp.files import read_bounded, write_atomic
from mpp.model.jsontext import Json, shown
from mpp.model.value import value
from mpp.ports import Signer
from mpp.stages.policy import BUNDLE_BYTES_MAX, BUNDLE_NAME_MAX, BUNDLE_TIME_MAX, BUNDLE_VERSION_MAX, BundleBody, FoundBundle, read_bundle

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@value
class Wanted:
    """The options of the command."""

    keys: tuple[str, ...]
    signer_command: str | None
    publisher: str | None
    passphrase_file: str | None
    name: str | None
    layer: str
    version: int | None
    expires: str
    grace: str
    output: str | None
    now: str | None


def sign(file: str, wanted: Wanted, *, as_json: bool) -> None:
    named = read_named(file)
    now = clock(wanted.now).now()
    if named.bundle is not None:
        signed, target = cosign_policy(named.data, _signers(wanted), now, where=file), wanted.output or file
    else:
        chain = _chain(wanted)
        admit_patterns(named.policy, home())
        target = wanted.output or f"{named.policy.name}-bundle.json"
        body = _body(named, chain, wanted, now, target)
        for warning in warnings(named.policy, now):
            note(f"warning: {warning}")
        signed = sign_policy(body, chain, _signers(wanted), now)
    write_atomic(target, signed.data)
    _show(signed, target, now, as_json=as_json)


def seconds(text: str, option: str) -> int:
    """A length of time such as ``90d`` or ``12h``."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise Refused("usage.time", f"{shown(text)!r} is no length of time", where=option, hint="write 90d, 12h, 30m, 45s or 2w")
    return int(found[1]) * _SECONDS[found[2]]


def _end(text: str, now: int) -> int:
    """A length of time from now, or a moment."""
    moment = now + seconds(text, "--expires") if _DURATION.fullmatch(text) else parse_time(text, "--expires")
    if moment > BUNDLE_TIME_MAX:
        raise Refused("usage.time", "a bundle ends at the beginning of the year 2100 at the latest", where="--expires", hint="give an earlier time")
    return moment


def _body(named: Named, chain: RootChain, wanted: Wanted, now: int, target: str) -> BundleBody:
    name = plain(wanted.name or named.policy.name, "--name", BUNDLE_NAME_MAX)
    draft = BundleBody(
        name=name, layer=wanted.layer, version=1, issued=now, expires=_end(wanted.expires, now), grace_seconds=seconds(wanted.grace, "--grace"),
        policy=named.policy,
    )  # fmt: skip
    if wanted.version is None:
        version = next_version(_there(target), chain, draft, where=target)
    elif 1 <= wanted.version <= BUNDLE_VERSION_MAX:
        version = wanted.version
    else:
        raise Refused("usage.option", f"--version takes a number from 1 to {BUNDLE_VERSION_MAX}", hint="take one more than the last bundle had")
    return BundleBody(name=name, layer=draft.layer, version=version, issued=now, expires=draft.expires, grace_seconds=draft.grace_seconds, policy=named.policy)


def _there(target: str) -> FoundBundle | None:
    if not os.path.lexists(target):
        return None
    data = read_bounded(target, BUNDLE_BYTES_MAX)
    if not data.startswith(BUNDLE_BEGINS):
        raise Refused("host.exists", "the file exists already and is no bundle", where=target, hint="choose another name with -o")
    return read_bundle(data, where=target)


def _keys(wanted: Wanted) -> tuple[str, ...]:
    return wanted.keys or ((os.path.join(home().keys, "publisher.key"),) if wanted.signer_command is None else ())


def _chain(wanted: Wanted) -> RootChain:
    keys = _keys(wanted)
    if wanted.publisher is None and not keys:
        raise Refused("usage.option", "--signer-command needs the publisher's root document", hint="give it with --publisher publisher.json")
    path = wanted.publisher if wanted.publisher is not None else os.path.join(os.path.dirname(keys[0]), CHAIN_FILE)
    _is_there(path, "publisher.json", "name it with --publisher")
    return load_chain(path)


def _signers(wanted: Wanted) -> tuple[Signer, ...]:
    command = [CommandSigner(wanted.signer_command)] if wanted.signer_command is not None else []
    return (*(_signer(key, wanted.passphrase_file) for key in _keys(wanted)), *command)


def _signer(path: str, passphrase_file: str | None) -> Signer:
    _is_there(path, "key file", "make keys with `mpp keygen`, or name your release key with -k")
    passphrase = read_passphrase(passphrase_file, confirm=False, what=os.path.basename(path)) if key_is_sealed(path) else None
    return load_signer(path, "release", passphrase)


def _is_there(path: str, what: str, hint: str) -> None:
    if not os.path.lexists(path):
        raise Refused("usage.no_file", f"there is no {what}", where=path, hint=hint)


def _show(signed: SignedPolicy, target: str, now: int, *, as_json: bool) -> None:
    body = signed.body
    if as_json:
        signers: list[Json] = [short_id(key) for key in signed.signers]
        put_json(
            {
                "ok": True,
                "file": shorter(target),
                "name": body.name,
                "layer": body.layer,
                "version": body.version,
                "issued": body.issued,
                "expires": body.expires,
                "grace_seconds": body.grace_seconds,
                "digest": signed.digest,
                "signers": signers,
                "missing": signed.missing,
            }
        )
        return
    say(f"Signed {shorter(target)}  ({quoted(body.name)} version {body.version}, for the {body.layer} layer)")
    say(f"digest    sha256:{signed.digest}")
    say(f"holds     until {show_time(body.expires)}, {ago(max(0, body.expires - now))} from now; then {ago(body.grace_seconds)} of grace")
    say(f"signers   {', '.join(short_id(key) for key in signed.signers)}")
    if signed.missing:
        note(f"Still missing: {signed.missing} more of the release keys. Until they have signed it too, everybody refuses it.")
        say(f"Next, with another key: mpp policy sign {in_shell(shorter(target))} -k THEIR.key")
    else:
        say(f"Next: serve the file, and on each machine: mpp policy pull {in_shell(shorter(target))}")
