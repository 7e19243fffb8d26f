"""``mpp audit upload``."""

from __future__ import annotations

import os

import click

from mpp.cli.audit.given import log_places
from mpp.cli.options import home, json_option, show_time
from mpp.cli.screen import CROSS, fault_json, fault_lines, mark, note, put_json, say, TICK
from mpp.errors import Refused
from mpp.host.audit.log import AuditLog
from mpp.host.audit.places import LogPlaces
from mpp.host.audit.s3 import Bucket, COMPLIANCE, GOVERNANCE, Lock
from mpp.host.audit.s3_signing import credentials_of, read_credentials
from mpp.host.audit.s3_target import Target, target_of
from mpp.host.audit.uploading import planned, Upload, Uploaded, Wanted
from mpp.host.system import SystemClock
from mpp.model.jsontext import Json

LOCK_DAYS_MAX = 36_500
"""Days of a lock. Reason: what storages take at most; a hundred years."""

DEFAULT_REGION = "us-east-1"
"""Where none is given. Reason: what storages take that have no regions."""


@click.command(name="upload")
@click.option("--to", required=True, metavar="s3://BUCKET/PREFIX", help="Where to. Each record gets a folder of its own below it.")
@click.option("--endpoint", default="", metavar="URL", help="The address of the storage; without it, that of AWS.")
@click.option("--region", default="", metavar="R", help=f"Its region; without it $AWS_REGION, or {DEFAULT_REGION}.")
@click.option("--virtual-host", is_flag=True, help="With --endpoint: the bucket stands in the host's name, not in the path.")
@click.option(
    "--lock-days", type=click.IntRange(1, LOCK_DAYS_MAX), default=None, metavar="N", help="Lock each object for N days. The bucket must have object lock."
)
@click.option(
    "--lock-mode",
    type=click.Choice((COMPLIANCE, GOVERNANCE)),
    default=COMPLIANCE,
    show_default=True,
    help="How strong the lock is: governance can be lifted by some.",
)
@click.option(
    "--credentials-file", type=click.Path(dir_okay=False), default="", metavar="FILE", help="A file of yours alone (0600), in place of the variables."
)
@click.option("--tiles", is_flag=True, help="The tiles of the tree too: with them the copy proves its entries at once, also where some are gone.")
@click.option("--again", is_flag=True, help="Look at everything that should be there, not only at what is new.")
@click.option("--dry-run", is_flag=True, help="Show all that there is to upload, checked against the seals, and ask nobody.")
@json_option
def command(
    to: str, endpoint: str, region: str, virtual_host: bool, lock_days: int | None, lock_mode: str, credentials_file: str, tiles: bool, again: bool, dry_run: bool, as_json: bool,
) -> int:  # fmt: skip
    """Copy what is sealed to object storage (S3), where nobody can change it.

    Each sealed segment goes there with its seal, and the newest checkpoint. Nothing is ever written over: an object that
    stands there already must be the same, else this is the alarm. With --lock-days the storage lets nobody remove or
    replace it for so long, us included. What is not sealed yet stays here; `mpp audit tend` seals.

    Credentials come from $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY and $AWS_SESSION_TOKEN, or from a file.

    \b
    Examples:
      mpp audit upload --to s3://my-records/hosts --region eu-central-1 --lock-days 400
      mpp audit upload --to s3://records/a --endpoint https://s3.example.com --credentials-file s3.ini
      mpp audit upload --to s3://records/a --dry-run

    \b
    Exit code:
      0   all that is sealed is there
      27  something else is there in its place, or here it is not what was sealed
      40  the storage cannot be reached, or refuses
    """
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    target, places = target_of(to, region=region, endpoint=endpoint, in_host=virtual_host), log_places("")
    if dry_run:
        _plan(places, target, tiles=tiles, as_json=as_json)
        return 0
    credentials = read_credentials(credentials_file) if credentials_file else credentials_of(os.environ)
    _sign_if_never(places)
    clock = SystemClock()
    lock = None if lock_days is None else Lock(mode=lock_mode, until=clock.now() + lock_days * 86_400)
    wanted = Wanted(lock=lock, tiles=tiles, anew=again)
    found = Upload(places, Bucket(target, credentials, clock), wanted, lambda key, size: note(f"uploaded {key} ({size} bytes)")).run()
    if as_json:
        put_json(_as_json(found, target, lock))
    else:
        _show(found, target, lock)
    return Refused.of(found.faults).exit_code if found.faults else 0


def _sign_if_never(places: LogPlaces) -> None:
    """A record that nobody has signed yet, because its first writer was killed."""
    if os.path.isdir(places.segments) and not os.path.lexists(places.checkpoint):
        with AuditLog(home()) as log:
            log.checkpoint()


def _plan(places: LogPlaces, target: Target, *, tiles: bool, as_json: bool) -> None:
    rows: list[Json] = []
    for key, size in planned(places, target.prefix, tiles=tiles):
        rows.append({"key": key, "bytes": size})
        if not as_json:
            say(f"{size:>12}  {key}")
    if as_json:
        put_json({"ok": True, "target": target.name, "dry_run": True, "objects": rows})
    else:
        note(f"{len(rows)} objects; nothing was sent, and nobody asked what is there already.")


def _as_json(found: Uploaded, target: Target, lock: Lock | None) -> dict[str, Json]:
    sent: list[Json] = [{"key": one.key, "bytes": one.size, "sha256": one.sha256, "version": one.version} for one in found.sent]
    return {
        "ok": not found.faults, "target": target.name, "endpoint": target.place, "log_id": found.log_id, "folder": found.folder, "uploaded": sent,
        "already_there": found.there, "segments": found.segments, "segments_passed": found.passed, "pruned_before": [*found.missing],
        "lock": None if lock is None else {"mode": lock.mode, "until": lock.until}, "faults": [fault_json(fault) for fault in found.faults],
    }  # fmt: skip


def _show(found: Uploaded, target: Target, lock: Lock | None) -> None:
    what = f"{len(found.sent)} objects are there now, {found.there} were there already"
    say(mark(CROSS if found.faults else TICK), f" {what}; {found.segments + found.passed} segments are sealed")
    say(f"  folder  s3://{target.bucket}/{found.folder}/")
    say(f"  log id  {found.log_id}")
    say(f"  lock    {f'{lock.mode}, until {show_time(lock.until)}' if lock else 'none: whoever may write there may also remove'}")
    for first in found.missing:
        note(f"note: the segment from entry {first} on was pruned here, and is not there: only its seal is")
    for line in fault_lines(found.faults):
        note(line)
