"""Staging: a version that waits for a second person, and what that person says.

Takes: the id of what waits, a request signed by a publish-approve key, or an administrator's word.
Gives: the version, published by the same rules as any other; or the reason why not.
Refuses: ``registry.staged``, ``registry.forbidden`` and whatever publishing refuses.
Limits: publishing/limits.py.
"""

from mpp_registry.staging.approving import Staged, approve_by_hand, approve_staged, expire_staged, refuse_staged, staged_list

__all__ = ("Staged", "approve_by_hand", "approve_staged", "expire_staged", "refuse_staged", "staged_list")
