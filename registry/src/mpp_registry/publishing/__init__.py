"""Publishing: who may put which file under which name, and what becomes of it afterwards.

Takes: the header and the bytes of a request; rows, blobs and the log as ``Services``.
Gives: ``Actor``, ``Published``, ``OwnersChange``; for each change one transaction with its leaf.
Refuses: ``registry.*``, and for what is uploaded the code of the gatekeeper's check, ``description.*`` and ``privacy.pattern``.
Limits: limits.py.
"""

from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.authenticating import authenticate, authenticate_new
from mpp_registry.publishing.changing import set_status
from mpp_registry.publishing.owners import OwnersChange, Wish, change_owners, wishes
from mpp_registry.publishing.published import Published
from mpp_registry.publishing.publishing import publish
from mpp_registry.publishing.uploads import Swept, sweep

__all__ = (
    "Actor",
    "OwnersChange",
    "Published",
    "Swept",
    "Wish",
    "authenticate",
    "authenticate_new",
    "change_owners",
    "demand_key",
    "publish",
    "set_status",
    "sweep",
    "wishes",
)
