"""What may be used once. The database is shared, so it is once among all replicas."""

from __future__ import annotations

from mpp_registry.publishing.limits import CLEANED_MAX
from mpp_registry.store.ports import Rows


def spend(rows: Rows, name: str, until: int, now: int) -> bool:
    """True for the first that comes with ``name``. It is kept to ``until``, when it counts no more anyway."""
    rows.run("DELETE FROM once WHERE nonce IN (SELECT nonce FROM once WHERE until < ? ORDER BY until LIMIT ?)", now, CLEANED_MAX)
    return rows.run("INSERT INTO once (nonce, until) VALUES (?, ?) ON CONFLICT DO NOTHING", name, until) == 1
