"""References to secrets. A tool never sees one: the host puts it into the header that the manifest names, for the host that it names.

A manifest says ``"secrets": [{"name": "CRM", "host": "api.example.com", "header": "Authorization", "format": "Bearer {secret}"}]``, and the owner
of the machine stores the value with ``mpp secret set``. A request to that host then has the header without any doing of the tool.
``secret("CRM")`` may stand in the tool's headers, where code that is used elsewhere wants a value: such a header is left out, and the
host adds its own. Values of ``env_vars`` are no secrets in this sense: the tool reads them from ``os.environ``.
"""

from __future__ import annotations

from typing import Self

_BEGIN, _END = "{mpp-secret:", "}"


class Secret(str):
    """Stands for a value that the tool does not have. It looks like ``{mpp-secret:NAME}``."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> Self:
        self = super().__new__(cls, f"{_BEGIN}{name}{_END}")
        self.name = name
        return self


def secret(name: str) -> Secret:
    """A reference to the secret that the manifest declares as ``name``."""
    if not name or not name.replace("_", "").replace("-", "").isalnum():
        raise ValueError(f"{name!r} is no name of a secret: one has letters, digits, _ and -")
    return Secret(name)


def mentions(text: str) -> bool:
    """Whether a text holds a reference, perhaps among other words (``Bearer {mpp-secret:CRM}``) or escaped for an address."""
    return _BEGIN in text or "%7Bmpp-secret%3A" in text
