"""The packages of one home: installed files, and the lockfile that says which of them are served. Spec: spec/store.md.

``PackageStore`` reads: what is active, and each package verified anew. ``planning`` judges a change without making it, ``changing`` makes it,
``installing`` goes the whole way from bytes. A host that only serves needs ``PackageStore`` alone.
"""

from mpp.host.store.changing import apply, Done, Gone, plan_for, remove
from mpp.host.store.lockfile import ALIAS_FORM, Entry, Installed, Lock, Version
from mpp.host.store.planning import Agreed, Plan, Wish
from mpp.host.store.store import PackageStore

__all__ = ["ALIAS_FORM", "Agreed", "Done", "Entry", "Gone", "Installed", "Lock", "PackageStore", "Plan", "Version", "Wish", "apply", "plan_for", "remove"]
