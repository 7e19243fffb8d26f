"""What the stores say of one version, and whether the log bears it out. None of it is taken from what a publish answered."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mpp.ledger.tree import is_consistent
from mpp.protocol.registry.bundle import proven, write_bundle
from mpp_registry.services import Services


def judged(on: Services, package_id: str, version: str) -> dict[str, Any]:
    """``row``, ``leaf``, ``blob``: is it there? ``proven``: does its bundle hold? ``checkpoint``: size and root of the log."""
    with on.database.read() as rows:
        row = rows.one("SELECT file_hash, content_hash, size, log_index FROM versions WHERE package_id = ? AND version = ?", package_id, version)
        leaves = [
            bytes(data) for (data,) in rows.all("SELECT leaf FROM log_leaves WHERE package_id = ? AND kind = 'version.published' ORDER BY idx", package_id)
        ]
        named = [one for one in map(json.loads, leaves) if one["version"] == version]
        newest = on.ledger.checkpoint(rows)
        bundle = on.ledger.bundle(rows, package_id, version) if named else None
        sizes = [int(size) for (size,) in rows.all("SELECT size FROM checkpoints WHERE size > 0 ORDER BY size")]
        count = rows.one("SELECT count(*), max(idx) FROM log_leaves")
        found = {
            "row": row is not None, "leaf": len(named), "blob": None, "proven": None, "size": newest.size, "sizes": sizes,
            "leaves_whole": count == (newest.size, newest.size - 1), "listed": rows.one("SELECT count(*) FROM versions WHERE package_id = ?", package_id)[0],
        }  # fmt: skip
        if row is not None:
            told = on.blobs.size(str(row[0]))
            found["blob"] = told == row[2] and hashlib.sha256(b"".join(on.blobs.read(str(row[0])))).hexdigest() == row[0]
            found["agree"] = bool(named) and (named[0]["file_hash"], named[0]["content_hash"], named[0]["index"]) == (row[0], row[1], row[3])
        if bundle is not None:
            said = proven(bundle, on.settings.registry_id, now=newest.at + 1, max_age=None)
            found["proven"] = (said.package_id, said.version) == (package_id, version) and len(write_bundle(bundle)) > 0
    return found


def all_consistent(on: Services) -> int:
    """Each checkpoint continues each earlier one of those it is asked about; how many pairs were proven."""
    proven_pairs = 0
    with on.database.read() as rows:
        kept = [(int(size), bytes(root)) for size, root in rows.all("SELECT size, root FROM checkpoints WHERE size > 0 ORDER BY size")]
        for place, (size, root) in enumerate(kept):
            for old, old_root in kept[:place]:
                if not is_consistent(old, old_root, size, root, on.ledger.consistency(rows, old, size)):
                    raise AssertionError(f"the log of {size} does not continue that of {old}")
                proven_pairs += 1
    return proven_pairs
