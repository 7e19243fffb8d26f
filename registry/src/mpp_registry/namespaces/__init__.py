"""Name spaces: a domain, written the other way round, proven by its DNS or its web site, and looked at again each day.

Takes: a name space, a way to prove it, a publisher; the world as ``World``.
Gives: ``NamespaceClaim``; a leaf for each proof and each lapse; ``judge_new`` and ``judge_known`` for whoever publishes.
Refuses: ``registry.namespace``, ``registry.form``.
Limits: limits.py.
"""

from mpp_registry.namespaces.claiming import NamespaceClaim, claim_namespace, prove_by_hand
from mpp_registry.namespaces.rechecking import Rechecked, give_up, recheck_namespaces
from mpp_registry.namespaces.world import Absent, Unreachable, World

__all__ = ("Absent", "NamespaceClaim", "Rechecked", "Unreachable", "World", "claim_namespace", "give_up", "prove_by_hand", "recheck_namespaces")
