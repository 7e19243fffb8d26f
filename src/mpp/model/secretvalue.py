"""A secret with its value, on its way from the owner's store into one header. It shows itself to nobody."""

from __future__ import annotations

from mpp.model.capabilities import Secret
from mpp.model.value import value


@value
class SecretValue:
    """What the manifest asked for, and what the owner stored under that name."""

    secret: Secret
    value: str

    def __repr__(self) -> str:
        """Attack: a value that stands in a log because somebody printed what held it."""
        return f"SecretValue({self.secret.name})"

    __str__ = __repr__
