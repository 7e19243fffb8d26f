"""What a package declared under ``env_vars`` and ``secrets``, with the values that the owner stored for it.

Spec: spec/manifest.md M-55, M-60. A manifest may only match what the owner bound: a secret for a host never becomes
a variable, a variable never a header, and nothing goes to another host, header or package than the owner said.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import NoReturn

from mpp.errors import Fault, HostFailed, Refused
from mpp.host.secret_entry import SECRET_BYTES_MAX, SecretEntry, binding_words, check_value
from mpp.host.secret_store import SecretStore
from mpp.model.capabilities import Secret, is_never_env
from mpp.model.secretvalue import SecretValue

COMMAND_SECONDS_MAX = 5
"""Seconds that the command of a secret may take. Reason: a call waits for it; a password manager that is unlocked answers at once."""

KEPT_ENV = frozenset(("HOME", "PATH", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"))
"""Of the variables that steer programs, those that a password manager needs."""


def resolve_env(names: tuple[str, ...], package_id: str, store: SecretStore, environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables of a package with their values; ``environment`` is for the commands among them only. All that are missing are named at once."""
    if not names:
        return ()
    entries = store.load()
    _stop([fault for name in names for fault in _env_faults(name, package_id, entries)])
    return tuple((name, _text(entries[name], environment)) for name in names)


def resolve_secrets(
    secrets: tuple[Secret, ...], package_id: str, store: SecretStore, environment: Mapping[str, str], until: float = math.inf
) -> tuple[SecretValue, ...]:
    """The secrets of a package with their values. All that are missing are named at once. ``until`` is the end of the call, on the monotonic clock."""
    if not secrets:
        return ()
    entries = store.load()
    _stop([fault for one in secrets for fault in _secret_faults(one, package_id, entries)])
    return tuple(SecretValue(secret=one, value=_text(entries[one.name], environment, until)) for one in secrets)


def judge_stored(names: tuple[str, ...], secrets: tuple[Secret, ...], package_id: str, store: SecretStore) -> None:
    """Refuse, before anything runs, if the owner has not stored all that a package declares. No value is looked up."""
    if names or secrets:
        entries = store.load()
        faults = [fault for name in names for fault in _env_faults(name, package_id, entries)]
        _stop([*faults, *(fault for one in secrets for fault in _secret_faults(one, package_id, entries))])


def _stop(faults: list[Fault]) -> None:
    if faults:
        raise Refused.of(tuple(faults))


def _env_faults(name: str, package_id: str, entries: Mapping[str, SecretEntry]) -> list[Fault]:
    entry = entries.get(name)
    mend = f"mpp secret set {shlex.quote(name)}"
    if entry is None:
        return [Fault("secret.missing", name, "no value is stored for a variable that the package declares", f"run: {mend}")]
    if entry.host:
        # Attack: a manifest that asks for a secret as a variable would get to see it.
        return [
            Fault(
                "secret.binding",
                name,
                f"the secret is stored {binding_words(entry)}, not as a variable",
                f"to give it to the tool itself, run: {mend} --replace",
            )
        ]
    return _package_faults(entry, package_id, mend)


def _secret_faults(one: Secret, package_id: str, entries: Mapping[str, SecretEntry]) -> list[Fault]:
    entry = entries.get(one.name)
    mend = f"mpp secret set {one.name} --host {one.host} --header {one.header}"
    if entry is None:
        return [Fault("secret.missing", one.name, f"no secret is stored for {one.host}", f"run: {mend}")]
    # Attack: a package that names a stored secret and a host of its own.
    if (entry.host, entry.header.lower()) != (one.host, one.header.lower()):
        message = f"the secret is stored {binding_words(entry)}; the package wants it for the header {one.header} of requests to {one.host}"
        return [Fault("secret.binding", one.name, message, f"if that is what you want, run: {mend} --replace")]
    return _package_faults(entry, package_id, mend)


def _package_faults(entry: SecretEntry, package_id: str, mend: str) -> list[Fault]:
    if not entry.packages or package_id in entry.packages:
        return []
    kept = "".join(f" --package {one}" for one in (*entry.packages, package_id))
    return [
        Fault("secret.package", entry.name, f"the secret is kept for other packages than {package_id}", f"if it may have it too, run: {mend}{kept} --replace")
    ]


def _text(entry: SecretEntry, environment: Mapping[str, str], until: float = math.inf) -> str:
    if entry.kind == "literal":
        return entry.value
    found = run_command(shlex.split(entry.value), entry.name, environment, until)
    try:
        check_value(found, entry.name, for_header=bool(entry.host))
    except Refused as fault:
        raise _wrong(entry.name, f"printed no sound secret: {fault.message}") from None
    return found


def run_command(words: list[str], name: str, environment: Mapping[str, str], until: float = math.inf) -> str:
    """What the command prints, without the line end at its end. What it complains is not shown: it may quote the secret."""
    kept = {key: text for key, text in environment.items() if key in KEPT_ENV or not is_never_env(key)}
    try:
        # In the root folder: nothing that lies where the host happens to stand is found first.
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=kept, cwd="/", start_new_session=True)
    except (OSError, ValueError) as fault:
        raise _wrong(name, f"did not start: {type(fault).__name__}") from None
    with child:
        try:
            said = _collect(child, name, min(until, time.monotonic() + COMMAND_SECONDS_MAX))
        finally:
            # As long as nobody has waited for it, the number of its group is still its own.
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
    try:
        return said.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
    except UnicodeDecodeError:
        raise _wrong(name, "printed what is not UTF-8 text") from None


def _collect(child: subprocess.Popen[bytes], name: str, until: float) -> bytes:
    """Attack: a command that prints without end fills our memory, one that hangs holds each call."""
    said = b""
    with selectors.DefaultSelector() as waiting:
        if child.stdout is not None:
            waiting.register(child.stdout, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select(max(0.0, until - time.monotonic())) or _late(name):
                piece = os.read(key.fd, SECRET_BYTES_MAX)
                said += piece
                if len(said) > SECRET_BYTES_MAX + 2:
                    raise _wrong(name, f"printed more than {SECRET_BYTES_MAX} bytes")
                if not piece:
                    waiting.unregister(key.fileobj)
    try:
        code = child.wait(timeout=max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        _late(name)
    if code != 0:
        raise _wrong(name, f"ended with exit code {code}")
    return said


def _late(name: str) -> NoReturn:
    raise _wrong(name, f"gave no answer within {COMMAND_SECONDS_MAX} seconds, or not before the end of its call")


def _wrong(name: str, how: str) -> HostFailed:
    return HostFailed("host.secret", f"the command of a secret {how}", where=name, hint=f"try the command by hand, or run: mpp secret set {name}")
