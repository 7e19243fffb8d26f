"""The packages of one home: installed files, and the lockfile that says which of them are served. Spec: spec/store.md.

``PackageStore`` reads: what is active, and each package verified anew. ``planning`` judges a change without making it, ``changing`` makes it,
``installing`` goes the whole way from bytes. A host that only serves needs ``PackageStore`` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.host.store.changing import apply, Done, Gone, plan_for, remove
    from mpp.host.store.lockfile import ALIAS_FORM, Entry, Installed, Lock, Version
    from mpp.host.store.planning import Agreed, Plan, Wish
    from mpp.host.store.store import PackageStore

__getattr__ = door(
    __name__,
    {
        "changing": "apply Done Gone plan_for remove",
        "lockfile": "ALIAS_FORM Entry Installed Lock Version",
        "planning": "Agreed Plan Wish",
        "store": "PackageStore",
    },
)

__all__ = ["ALIAS_FORM", "Agreed", "Done", "Entry", "Gone", "Installed", "Lock", "PackageStore", "Plan", "Version", "Wish", "apply", "plan_for", "remove"]
