"""The layer that a tool from a registry stands on, fetched from a registry too where this machine has it not."""

from __future__ import annotations

from mpp.cli.agreeing import told
from mpp.cli.layer.shared import put_in_place
from mpp.cli.options import is_fleet, trust_store
from mpp.cli.screen import note
from mpp.cli.store.from_registry import fetch, fetch_from, Origin, Ways
from mpp.cli.store.registries import load_config
from mpp.errors import Refused
from mpp.host.layers import judge_named
from mpp.model.manifest import LayerRef
from mpp.model.names import version_key
from mpp.remote.ranges import read_range
from mpp.remote.resolving import Wish

NOT_THERE = ("registry.absent", "registry.no_version")


def fetch_layer(named: LayerRef, origin: Origin, *, quiet: bool) -> str | None:
    """Spec: store D-97. The very content that the tool's manifest names, proven and judged; a line about it. None: the registry has it not."""
    config = load_config()
    registry = config.owner(named.id) or config.by_id(origin.chosen.registry_id)
    if registry is None or version_key(named.version) is None:
        return None
    # The tool that names it by its hash has waited already.
    ways = Ways(min_age=None if is_fleet() else 0.0, quiet=quiet)
    try:
        if registry.introduced_by:
            # It may answer for the tool, and not for every name: the layer is looked for as each package is.
            found, proof = fetch(Wish(name=named.id, range=read_range(named.version)), ways, content_hash=named.sha256)
        else:
            found, proof = fetch_from(registry, named.id, read_range(named.version), ways, content_hash=named.sha256)
    except Refused as fault:
        if fault.code not in NOT_THERE:
            raise
        if not quiet:
            note(f"note: {registry.name} has not the layer {named.id} {named.version} either")
        return None
    judged = judge_named(found.data, named, trust_store().load(), proof.now, None)
    put_in_place(judged, found.data, quiet=quiet)
    told("layer", f"sha256:{named.sha256} {named.id} {named.version}", "installed", "")
    where = proof.proof.proven
    return f"it stands on the layer {named.id} {named.version}, fetched from {proof.chosen.registry} (log entry {where.index} of {where.size})"
