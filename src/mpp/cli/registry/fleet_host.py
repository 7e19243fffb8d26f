"""``mpp registry fleet``, the host's part: come in, follow, report, leave."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from mpp.cli.options import home, in_shell, json_option, plain, shorter, show_time
from mpp.cli.screen import note, put_json, say
from mpp.crypto.ed25519 import fingerprint
from mpp.errors import MppError, Refused
from mpp.files import make_private_folder, PRIVATE, read_stream, write_atomic
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json, shown

if TYPE_CHECKING:
    from mpp.host.enrolment.asking import Asking
    from mpp.host.enrolment.following import TookTrust
    from mpp.host.enrolment.state import Enrolled
    from mpp.host.policy_pull import Pulled

CODE_BYTES_MAX = 1000
"""Bytes of a file with an enrolment code. Reason: one line of two hundred characters."""


@click.command()
@click.argument("url")
@click.option("--code-file", default="", metavar="FILE", help="The code on the first line of this file or pipe; - is standard input.")
@click.option("--code", default="", metavar="CODE", help="The code itself: other users of this machine may see it while the command runs.")
@click.option("--name", default="", metavar="NAME", help="How the fleet calls this host; its name on the network if left out.")
@click.option("--machine", is_flag=True, help="Also make this machine one of the fleet, in /etc/mpp; as root.")
@json_option
def enroll(url: str, code_file: str, code: str, name: str, machine: bool, as_json: bool) -> None:
    """Come into the fleet of the registry at URL, with a code of its administrator.

    The code names the registry and the signer of the fleet's policies; nobody on the way can put others in their place.
    Without --machine the files for /etc/mpp are only prepared, and what root runs is shown: what is not in /etc/mpp rules
    nothing. Afterwards `mpp registry fleet sync` takes policy and trust, and reports.

    \b
    Examples:
      mpp registry fleet enroll https://packages.example.com --code-file - < code.txt
      sudo mpp registry fleet enroll https://packages.example.com --code-file code.txt --machine

    \b
    Exit code:
      0        this home is in the fleet
      23, 41   another fleet rules here, or the code is not good
      40       the registry does not answer
    """
    from mpp.host import fleet  # noqa: PLC0415 - only here
    from mpp.host.enrolment.documents import read_code  # noqa: PLC0415
    from mpp.host.enrolment.joining import join  # noqa: PLC0415
    from mpp.host.enrolment.machine import check_writable  # noqa: PLC0415

    found = read_code(_code(code, code_file))
    if machine:
        check_writable(fleet.SYSTEM)
    state = join(home(), url, found, plain(name or socket.gethostname(), "--name", 100), clock=SystemClock(), random=SystemRandom())
    folder = _machine_files(state, machine)
    if as_json:
        put_json(
            {
                "ok": True, "host_id": state.host_id, "name": state.name, "registry_id": state.registry_id, "fleet_id": state.fleet_id,
                "policy": state.policy_name, "trust": state.trust_name, "machine": machine, "files": folder,
            }
        )  # fmt: skip
        return
    say(f"In the fleet as {state.name}, host {state.host_id[:16]}")
    say(f"signer    {fingerprint(state.fleet_id)}")
    if machine:
        say(f"The machine is in fleet mode: {folder}")
        note("Next: mpp registry fleet sync")
        return
    say("An administrator makes the machine one of the fleet:")
    say("  sudo install -d -m 755 /etc/mpp")
    say(f"  sudo install -m 644 {in_shell(folder)}/policy-root.json {in_shell(folder)}/config.toml /etc/mpp/")
    note("Until then nothing of the fleet rules here. Then: mpp registry fleet sync")


def _code(code: str, code_file: str) -> str:
    if bool(code) == bool(code_file):
        raise Refused("usage.option", "give the code", hint="with --code-file FILE, or --code-file - and the code on standard input")
    if code:
        return code
    text = sys.stdin.readline(CODE_BYTES_MAX) if code_file == "-" else read_stream(code_file, CODE_BYTES_MAX).decode("ascii", "replace")
    return text.split("\n", 1)[0].strip()


def _machine_files(state: Enrolled, machine: bool) -> str:
    """Put where they rule, or where an administrator finds them."""
    from mpp.host import fleet  # noqa: PLC0415 - only here
    from mpp.host.enrolment.machine import install_machine, machine_files  # noqa: PLC0415
    from mpp.host.enrolment.state import EnrolmentFile  # noqa: PLC0415

    files = machine_files(state.fleet, state.policy_name, fleet.SYSTEM)
    if machine:
        install_machine(files, fleet.SYSTEM)
        return fleet.SYSTEM.folder
    folder = EnrolmentFile(home()).machine_folder
    make_private_folder(folder)
    for name, data in files.items():
        write_atomic(os.path.join(folder, name), data, PRIVATE)
    return folder


def _asking(state: Enrolled) -> Asking:
    from mpp.host.enrolment.asking import Asking  # noqa: PLC0415 - only here
    from mpp.host.host_key import host_key  # noqa: PLC0415

    return Asking(state.url, state.registry_id, host_key(home()), SystemClock(), SystemRandom())


@click.command()
@json_option
def sync(as_json: bool) -> None:
    """Take the newest policy and trust of the fleet, report, and have the record witnessed. Run it each hour, by a timer.

    Each part is tried, also if another one fails; the first failure decides the exit code. What is refused changes
    nothing.

    \b
    Example:
      mpp registry fleet sync

    \b
    Exit code:
      0        everything is up to date
      23       a policy or a trust is older, of another signer, or this machine is not in fleet mode
      40, 41   the registry does not answer, or refuses
    """
    from mpp.host.enrolment.joining import refresh  # noqa: PLC0415 - only here

    faults: list[MppError] = []
    said: dict[str, Json] = {}
    with _kept(faults):
        refresh(home(), clock=SystemClock(), random=SystemRandom())
    state = _state()
    if state.policy_name:
        with _kept(faults):
            said["policy"] = _policy_json(_take_policy(state))
    if state.trust_name:
        with _kept(faults):
            said["trust"] = _trust_json(_take_trust(state))
    with _kept(faults):
        said["report"] = _report()
    with _kept(faults):
        said["witness"] = _witness()
    if faults:
        raise faults[0]
    if as_json:
        put_json({"ok": True, **said})
        return
    for key, one in said.items():
        if isinstance(one, dict):
            say(f"{key:8}  " + ", ".join(f"{name} {shown(str(item))}" for name, item in one.items() if item))


@contextlib.contextmanager
def _kept(faults: list[MppError]) -> Iterator[None]:
    try:
        yield
    except MppError as fault:
        note(f"{fault.code}: {fault.message}")
        faults.append(fault)


def _state() -> Enrolled:
    from mpp.host.enrolment.state import EnrolmentFile  # noqa: PLC0415 - only here

    return EnrolmentFile(home()).need()


def _take_policy(state: Enrolled) -> Pulled:
    from mpp.host import fleet  # noqa: PLC0415 - only here
    from mpp.host.enrolment.following import Following  # noqa: PLC0415

    done = Following(home(), SystemClock(), fleet.SYSTEM).take_policy(_asking(state), state.policy_name)
    if done.before_version != done.bundle.body.version:
        _record_policy(done)
    return done


def _record_policy(done: Pulled) -> None:
    from mpp.host.audit.log import AuditLog  # noqa: PLC0415 - only here
    from mpp.stages.policy import policy_event  # noqa: PLC0415

    body = done.bundle.body
    event = policy_event(
        "pulled", "fleet", at=SystemClock().now(), source=done.source, name=body.name, digest=done.bundle.digest, version=body.version,
        publisher=done.bundle.chain.publisher_id, why="by its fleet",
    )  # fmt: skip
    with AuditLog(home()) as log:
        log.record(event, durable=True)


def _take_trust(state: Enrolled) -> TookTrust:
    from mpp.host import fleet  # noqa: PLC0415 - only here
    from mpp.host.enrolment.following import Following  # noqa: PLC0415

    done = Following(home(), SystemClock(), fleet.SYSTEM).take_trust(_asking(state), state.trust_name)
    from mpp.cli.registry.fleet_registries import pin_registries  # noqa: PLC0415 - as above

    if pin_registries(done.body.registries) or done.changed:
        _record_trust(done)
    for one in done.kept_back:
        note(f"warning: the root documents of publisher {one[:16]} part from those known here; it stays as it was")
    return done


def _record_trust(done: TookTrust) -> None:
    from mpp.host.audit.log import AuditLog  # noqa: PLC0415 - only here
    from mpp.model.events import Event  # noqa: PLC0415

    change = f"version {done.body.version}, sha256:{done.digest}"
    body: dict[str, Json] = {"what": "fleet", "name": done.body.name, "change": change, "by": "fleet", "amr": "signature"}
    with AuditLog(home()) as log:
        log.record(Event(kind="trust", at=SystemClock().now(), tenant="local", invocation="", body=body), durable=True)


def _policy_json(done: Pulled) -> dict[str, Json]:
    return {"name": done.bundle.body.name, "version": done.bundle.body.version, "before": done.before_version}


def _trust_json(done: TookTrust) -> dict[str, Json]:
    return {"name": done.body.name, "version": done.body.version, "changed": done.changed, "kept_back": list[Json](done.kept_back)}


def _report() -> dict[str, Json]:
    from mpp.host.enrolment.reporting import make_report, send_report  # noqa: PLC0415 - only here

    state = _state()
    made = make_report(home(), state, SystemClock().now(), _version(), (os.getuid(), 0))
    send_report(home(), _asking(state), made)
    return {"at": made.at, "packages": len(made.packages), "uses": len(made.uses)}


def _witness() -> dict[str, Json]:
    """After the report, by which the registry learns the key of a record that began later."""
    from mpp.host.audit.reader import LogReader  # noqa: PLC0415 - only here
    from mpp.host.audit.witness_client import ask_all  # noqa: PLC0415
    from mpp.host.audit.witness_list import WitnessList  # noqa: PLC0415
    from mpp.host.enrolment.joining import WITNESS_NAME  # noqa: PLC0415

    reader, ours = LogReader(home().log), [one for one in WitnessList(home().log).load() if one.name == WITNESS_NAME]
    if not ours or not os.path.lexists(reader.places.checkpoint):
        return {"entries": 0}
    checkpoint, found = ask_all(reader, ours, SystemClock())
    for one in found:
        if one.fault is not None:
            raise one.fault
    return {"entries": checkpoint.size, "at": found[0].at}


def _version() -> str:
    """Of the distribution; empty where it runs from a checkout that was never installed."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow to import, and only here

    try:
        return version("model-package-protocol")
    except PackageNotFoundError:
        return ""


@click.command()
@json_option
def report(as_json: bool) -> None:
    """Tell the fleet what is installed here, which agents called it, and what is in force. Nothing of a call is in it.

    \b
    Example:
      mpp registry fleet report
    """
    found = _report()
    if as_json:
        put_json({"ok": True, **found})
        return
    say(f"Reported {found['packages']} versions and {found['uses']} uses.")


@click.command()
@json_option
def status(as_json: bool) -> None:
    """Show which fleet this home is in, and whether its machine obeys it.

    \b
    Example:
      mpp registry fleet status --json
    """
    from mpp.host.enrolment.state import EnrolmentFile  # noqa: PLC0415 - only here
    from mpp.host.fleet import enrolled_root, fleet_settings  # noqa: PLC0415

    state, settings = EnrolmentFile(home()).load(), fleet_settings()
    chain = enrolled_root(settings)
    obeys = state is not None and settings.is_fleet and chain is not None and chain.publisher_id == state.fleet_id
    if as_json:
        rows: dict[str, Json] = {} if state is None else {
            "host_id": state.host_id, "name": state.name, "url": state.url, "registry_id": state.registry_id, "fleet_id": state.fleet_id,
            "policy": state.policy_name, "trust": state.trust_name, "trust_version": state.trust.version, "reported_at": state.reported_at,
        }  # fmt: skip
        put_json({"ok": True, "enrolled": state is not None, "machine": obeys, **rows})
        return
    if state is None:
        say("This home is in no fleet.")
        return
    say(f"In the fleet of {state.url} as {state.name}, host {state.host_id[:16]}")
    say(f"signer    {fingerprint(state.fleet_id)}")
    say(f"follows   policy {state.policy_name or '-'}, trust {state.trust_name or '-'} version {state.trust.version}")
    say(f"reported  {show_time(state.reported_at) if state.reported_at else 'never'}")
    say(f"machine   {'obeys the fleet' if obeys else 'does not obey the fleet: an administrator puts its files into /etc/mpp'}")


@click.command()
@json_option
def leave(as_json: bool) -> None:
    """Forget the fleet in this home: it reports no more, and its record is witnessed there no more.

    What rules the machine stays in /etc/mpp, and what the fleet made this home trust stays trusted.

    \b
    Example:
      mpp registry fleet leave
    """
    from mpp.host.audit.witness_list import WitnessList  # noqa: PLC0415 - only here
    from mpp.host.enrolment.joining import WITNESS_NAME  # noqa: PLC0415
    from mpp.host.enrolment.state import EnrolmentFile  # noqa: PLC0415

    file = EnrolmentFile(home())
    was = file.load() is not None
    if was:
        os.unlink(file.path)
        with contextlib.suppress(Refused):
            WitnessList(home().log).remove(WITNESS_NAME)
    if as_json:
        put_json({"ok": True, "changed": was})
        return
    say(f"Left the fleet. {shorter(file.folder)} has what it gave." if was else "This home is in no fleet.")
