"""To prove a name space: the domain says that the publisher is its own. The world is asked before the writer's turn is taken."""

from __future__ import annotations

from mpp.errors import Refused
from mpp.model.value import value
from mpp.protocol.registry.events import NamespaceProven, ProofMethod
from mpp_registry.namespaces.limits import TAKEOVER_SECONDS
from mpp_registry.namespaces.names import judged_namespace, record_of
from mpp_registry.namespaces.proofs import look
from mpp_registry.namespaces.settings import world_of
from mpp_registry.namespaces.world import World
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.publishing.lookalikes import keep_namespace, like_namespace
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows


@value
class NamespaceClaim:
    namespace: str
    publisher_id: str
    method: str
    state: str
    """``proven``; ``asked``: the record is not there yet, and nothing was kept."""
    record_name: str
    record_value: str
    proven_at: int = 0
    why: str = ""
    """What was seen in place of the record."""
    notes: tuple[str, ...] = ()


@value
class _Held:
    publisher_id: str
    state: str
    proven_at: int
    lapsed_at: int


def claim_namespace(services: Services, namespace: str, method: ProofMethod, actor: Actor, world: World | None = None) -> NamespaceClaim:
    """Look for the proof, and keep it. Nobody reserves a name by asking."""
    demand_key(actor)
    judged_namespace(namespace)
    name, wanted = record_of(namespace, actor.publisher_id, method)
    with services.database.read() as rows:
        _judge_others(rows, namespace, actor.publisher_id, services.clock.now())
    seen = look(namespace, actor.publisher_id, method, world_of(services) if world is None else world)
    if seen.seen != "there":
        return NamespaceClaim(
            namespace=namespace, publisher_id=actor.publisher_id, method=method, state="asked", record_name=name, record_value=wanted, why=seen.why
        )
    proven_at, notes = _keep(services, namespace, method, actor.publisher_id, actor)
    return NamespaceClaim(
        namespace=namespace, publisher_id=actor.publisher_id, method=method, state="proven", record_name=name, record_value=wanted, proven_at=proven_at,
        notes=notes,
    )  # fmt: skip


def prove_by_hand(services: Services, namespace: str, publisher_id: str) -> tuple[str, ...]:
    """An administrator vouches. It is not looked at again, and says so in the log."""
    judged_namespace(namespace)
    with services.database.read() as rows:
        if rows.one("SELECT 1 FROM publishers WHERE publisher_id = ?", publisher_id) is None:
            raise Refused("registry.absent", "there is no such publisher", where=publisher_id[:16], hint="it registers first")
    return _keep(services, namespace, "admin", publisher_id, None)[1]


def _held(rows: Rows, namespace: str) -> _Held | None:
    row = rows.one("SELECT publisher_id, state, proven_at FROM namespaces WHERE namespace = ?", namespace)
    if row is None:
        return None
    past = rows.one("SELECT lapsed_at FROM namespace_past WHERE namespace = ? AND publisher_id = ?", namespace, row[0])
    return _Held(publisher_id=str(row[0]), state=str(row[1]), proven_at=int(row[2] or 0), lapsed_at=int(past[0] or 0) if past else 0)


def _judge_others(rows: Rows, namespace: str, publisher_id: str, now: int) -> None:
    held = _held(rows, namespace)
    if held is None or held.publisher_id == publisher_id:
        return
    if held.state == "proven":
        raise Refused(
            "registry.namespace",
            f"another publisher holds {namespace}",
            where=namespace,
            hint="it is free 30 days after its proof has lapsed, or once it is given up",
        )
    # Attack: a domain that lapsed yesterday, bought by somebody who wants the name that hosts know.
    if now < held.lapsed_at + TAKEOVER_SECONDS:
        days = -(-(held.lapsed_at + TAKEOVER_SECONDS - now) // 86_400)
        raise Refused(
            "registry.namespace",
            f"the proof of another publisher has lapsed, and {namespace} is kept for it",
            where=namespace,
            hint=f"ask again in {days} days",
        )


def _keep(services: Services, namespace: str, method: ProofMethod, publisher_id: str, actor: Actor | None) -> tuple[int, tuple[str, ...]]:
    now = services.clock.now()
    with services.database.write() as rows:
        if actor is not None:
            demand_current(rows, actor)
        # Judged once more: between the look and this turn somebody else may have come first.
        _judge_others(rows, namespace, publisher_id, now)
        held = _held(rows, namespace)
        if held is not None and held.publisher_id == publisher_id and held.state == "proven":
            rows.run("UPDATE namespaces SET checked_at = ?, failures = 0, method = ? WHERE namespace = ?", now, method, namespace)
            return held.proven_at, ()
        alike = tuple(f"it looks like {one}" for one in like_namespace(rows, namespace))
        rows.run("DELETE FROM namespaces WHERE namespace = ?", namespace)
        rows.run(
            "INSERT INTO namespaces (namespace, publisher_id, method, state, proven_at, checked_at, failures) VALUES (?, ?, ?, 'proven', ?, ?, 0)",
            namespace, publisher_id, method, now, now,
        )  # fmt: skip
        rows.run(
            "INSERT INTO namespace_past (namespace, publisher_id, proven_at, lapsed_at) VALUES (?, ?, ?, 0)"
            " ON CONFLICT (namespace, publisher_id) DO UPDATE SET lapsed_at = 0",
            namespace, publisher_id, now,
        )  # fmt: skip
        keep_namespace(rows, namespace)
        services.ledger.append(rows, (NamespaceProven(namespace=namespace, publisher_id=publisher_id, method=method),), now)
    return now, alike
