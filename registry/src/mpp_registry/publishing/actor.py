"""Who asks for a change, and what that proves."""

from __future__ import annotations

from typing import Literal

from mpp.errors import Refused
from mpp.model.value import value

How = Literal["signed", "token"]


@value
class Actor:
    """A publisher that is registered and not stopped, by one of its keys or by a token of one of its builds. Only ``authenticate`` makes one."""

    publisher_id: str
    key_id: str
    """The key that signed; of a token ``oidc:`` and the id of its rule."""
    how: How
    roles: tuple[str, ...] = ()
    """What the key is for, by the newest root document."""
    packages: tuple[str, ...] = ()
    """The package ids that a token is for; a key has none, and is for all."""


def demand_key(actor: Actor, *roles: str) -> None:
    """A key of one of ``roles`` (release, where none is named). A token of a build publishes and does nothing else."""
    wanted = roles or ("release",)
    # Attack: a token that is stolen out of a build would otherwise revoke versions, give packages away or move name spaces.
    if actor.how != "signed" or not set(wanted) & set(actor.roles):
        raise Refused(
            "registry.forbidden", f"this needs a request signed by a key of role {' or '.join(wanted)}", where=f"publisher {actor.publisher_id[:16]}",
            hint="sign it with that key",
        )  # fmt: skip
