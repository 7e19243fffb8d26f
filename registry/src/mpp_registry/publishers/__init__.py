"""Publishers of a registry: they register by a proof of key, change their keys by the old root, and can be recovered in public.

Takes: ``publisher.json`` with a signed request; an administrator's decisions.
Gives: rows of publishers and their keys, and a leaf for each change.
Refuses: ``registry.exists``, ``registry.changed``, ``registry.recovery``, ``publisher.fork`` and the codes of root documents.
Limits: limits.py.
"""

from mpp_registry.publishers.recovering import (
    Recovery,
    ask_recovery,
    confirm_recovery,
    finish_recoveries,
    recoveries,
    refuse_recovery,
    veto_recovery,
)
from mpp_registry.publishers.registering import Registered, register, rotate_root
from mpp_registry.publishers.status import set_publisher_status

__all__ = (
    "Recovery",
    "Registered",
    "ask_recovery",
    "confirm_recovery",
    "finish_recoveries",
    "recoveries",
    "refuse_recovery",
    "register",
    "rotate_root",
    "set_publisher_status",
    "veto_recovery",
)
