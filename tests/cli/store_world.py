"""Signed packages of this home's own publisher, for the commands of the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mpp.model.jsontext import Json
from mpp.testing import packages
from tests.cli.conftest import Mpp

HELLO = "com.example.hello"
NETWORK: dict[str, Json] = {"capabilities/network": ["api.example.com"]}
ASKS = "May send requests to api.example.com over HTTPS."

Make = Callable[..., Path]


def maker(mpp: Mpp) -> Make:
    def make(version: str = "0.1.0", name: str = "hello", folder: str = ".", more: Mapping[str, Json] | None = None) -> Path:
        Path(folder).mkdir(exist_ok=True)
        path = Path(folder) / f"{name}-{version}.mpp"
        path.write_bytes(packages.unsigned({"version": version, "package_id": f"com.example.{name}", **(more or {})}))
        assert mpp("sign", path, "--now", packages.NOW).code == 0
        return path

    return make
