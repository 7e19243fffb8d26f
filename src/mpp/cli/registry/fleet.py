"""``mpp registry fleet``: services for many machines, on the side of the registry and on that of a host."""

from __future__ import annotations

import click

from mpp.cli.groups import Words
from mpp.cli.registry.fleet_admin import alarms, enroll_code, hosts, inventory, policy, remove, root
from mpp.cli.registry.fleet_host import enroll, leave, report, status, sync
from mpp.cli.registry.fleet_trust import trust


@click.group(name="fleet", cls=Words, no_args_is_help=True)
def command() -> None:
    """Serve policy and trust to many machines, and see what runs on them.

    The registry hands on what the fleet's signer has signed; it can make neither a policy nor trust. A machine obeys only
    the signer that its administrator put into /etc/mpp.

    \b
    On the registry's machine:
      mpp registry fleet root put publisher.json
      mpp registry fleet policy put example-fleet-bundle.json
      mpp registry fleet enroll-code --label laptops --policy example-fleet
      mpp registry fleet inventory --status revoked
    On a host:
      mpp registry fleet enroll https://packages.example.com --code-file code.txt
      mpp registry fleet sync
    """


for one in (root, policy, trust, enroll_code, hosts, remove, inventory, alarms, enroll, sync, report, status, leave):
    command.add_command(one)
