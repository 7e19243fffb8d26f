"""May a publisher put a version under this package id, as far as name spaces say? Read inside the transaction that writes the version."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.value import value
from mpp_registry.namespaces.names import above
from mpp_registry.store.ports import Rows


@value
class Holding:
    """A name space above a package id, and who holds it or held it last."""

    namespace: str
    publisher_id: str
    state: str


def holding(rows: Rows, package_id: str) -> Holding | None:
    """The longest name space above ``package_id`` that anybody has proven. A shorter one says nothing about what was delegated."""
    for name in above(package_id):
        row = rows.one("SELECT publisher_id, state FROM namespaces WHERE namespace = ?", name)
        if row is not None:
            return Holding(namespace=name, publisher_id=str(row[0]), state=str(row[1]))
    return None


def judge_new(rows: Rows, package_id: str, publisher_id: str, *, demanded: bool) -> str:
    """A new package. Returns the proven name space of the publisher above it, or nothing. ``demanded``: the registry wants one."""
    found = holding(rows, package_id)
    if found is not None and found.publisher_id == publisher_id and found.state == "proven":
        return found.namespace
    # Attack: squatting on a name below a domain that somebody else has proven to hold. A lapsed proof keeps others out for its time of grace too.
    if found is not None and found.publisher_id != publisher_id:
        raise _refused(f"the name space {found.namespace} belongs to another publisher", package_id, "take an id below a domain of your own")
    if found is not None:
        raise _lapsed(found.namespace, package_id)
    if demanded:
        raise _refused("no name space above it is proven", package_id, "prove one with `mpp register --namespace`: docs/how-to/prove-a-namespace.md")
    return ""


def judge_known(rows: Rows, package_id: str, owners: frozenset[str], *, demanded: bool) -> None:
    """A further version of a package that has owners."""
    found = holding(rows, package_id)
    if found is not None and found.publisher_id in owners and found.state == "proven":
        return
    # Attack: a domain that expired and was bought by a stranger. Its old holder cannot go on under it as if it still held it,
    # and the new holder never gets what is there.
    for name in above(package_id):
        for (publisher,) in rows.all("SELECT publisher_id FROM namespace_past WHERE namespace = ? AND lapsed_at > 0", name):
            if publisher in owners:
                raise _lapsed(name, package_id)
    if demanded:
        raise _refused("no owner holds a proven name space above it", package_id, "an owner proves one, or the package moves: docs/how-to/prove-a-namespace.md")


def _lapsed(namespace: str, package_id: str) -> Refused:
    return _refused(f"the proof of the name space {namespace} has lapsed", package_id, "put the record back and prove the name space again")


def _refused(why: str, package_id: str, hint: str) -> Refused:
    return Refused("registry.namespace", why, where=package_id, hint=hint)
