"""The lists of names, and which wildcards reach into them; the specification gives the same lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpp.model import capabilities, hosts
from mpp.model.hiddentext import HIDDEN_RANGES, MARK_RANGES

SPEC = (Path(__file__).resolve().parents[3] / "spec" / "manifest.md").read_text(encoding="utf-8")


def _ranges(ranges: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{first:04X}" if first == last else f"{first:04X}\N{EN DASH}{last:04X}" for first, last in ranges)


LISTS = {
    "private": ", ".join(hosts.PRIVATE_NAMES),
    "loopback": ", ".join(hosts.LOOPBACK_DOMAINS),
    "registries": ", ".join(sorted(hosts.REGISTRIES)),
    "shared": ", ".join(sorted(hosts.SHARED_DOMAINS)),
    "paths": ", ".join(f"`{path}`" for path in capabilities.NEVER_PATHS),
    "prefixes": ", ".join(f"`{name}`" for name in capabilities.NEVER_ENV_PREFIXES),
    "suffixes": ", ".join(f"`{name}`" for name in capabilities.NEVER_ENV_SUFFIXES),
    "names": ", ".join(f"`{name}`" for name in sorted(capabilities.NEVER_ENV_NAMES)),
    "hidden": _ranges(HIDDEN_RANGES),
    "marks": _ranges(MARK_RANGES),
}


@pytest.mark.parametrize("name", LISTS)
def test_the_specification_has_the_list_of_the_code(name: str) -> None:
    assert LISTS[name] in SPEC


@pytest.mark.parametrize("host", sorted(hosts.SHARED_DOMAINS))
def test_at_a_service_below_it_and_above_it_wildcards_reach_anybody(host: str) -> None:
    assert hosts.is_shared(host)
    assert hosts.is_shared(f"region.bucket.{host}")
    assert hosts.is_shared(host.partition(".")[2])
    assert not hosts.is_shared(f"my{host}")


@pytest.mark.parametrize("host", sorted(hosts.REGISTRIES))
def test_below_a_registry_each_name_has_one_owner(host: str) -> None:
    assert hosts.is_shared(host)
    assert not hosts.is_shared(f"example.{host}")
