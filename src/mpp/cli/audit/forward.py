"""``mpp audit forward``: the group; its commands are in the modules beside it."""

from __future__ import annotations

import click

from mpp.cli.audit.forward_running import reset, retry_dead_letters, run
from mpp.cli.audit.forward_showing import preview, status
from mpp.cli.audit.forward_targets import add, listing, remove


@click.group(name="forward", no_args_is_help=True)
def command() -> None:
    """Send every entry of the record to other systems, at least once and in order.

    The record itself is the queue: a target that is down gets everything later. Each event carries the number and the hash of its
    entry, so that what came twice can be told, and what arrived can be compared with the record.

    \b
    Examples:
      mpp audit forward add siem --to tls://logs.example.com:6514 --ca ca.pem
      mpp audit forward add otel --to https://otel.example.com --format otlp --header-file token.txt
      mpp audit forward add copy --to /var/log/mpp.jsonl
      mpp audit forward run --follow
      mpp audit forward status
    """


for _one in (add, listing, remove, run, status, retry_dead_letters, reset, preview):
    command.add_command(_one)
