"""The user's own policy: put in its place, or taken away. Spec: policy-bundle B-34."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from mpp.files import PRIVATE, locked, make_private_folder, sync_folder, write_atomic
from mpp.host.policy_pull import Puller

USE_LOCK = "use.lock"


def put_document(paths: tuple[str, ...], data: bytes, puller: Puller) -> str:
    """Make ``data`` the user's policy, alone; gives its path. ``paths``: for TOML and for JSON.

    What it replaces goes last. Between the two steps there are two policies, and two deny.
    """
    path = paths[1] if data.lstrip(b" \t\r\n").startswith(b"{") else paths[0]
    folder = os.path.dirname(path)
    make_private_folder(folder)
    with locked(os.path.join(folder, USE_LOCK), "the policy"):
        write_atomic(path, data, PRIVATE)
        _remove(one for one in paths if one != path)
        puller.leave()
    return path


def remove_documents(paths: tuple[str, ...], puller: Puller | None) -> bool:
    """Take the user's policy away: the document and, with ``puller``, the enrolment. True if there was one."""
    folder = os.path.dirname(paths[0])
    if not os.path.isdir(folder):
        return False
    with locked(os.path.join(folder, USE_LOCK), "the policy"):
        gone = _remove(paths)
        left = puller.leave() if puller is not None else False
        sync_folder(folder)
    return gone or left


def _remove(paths: Iterable[str]) -> bool:
    gone = False
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            gone = True
    return gone
