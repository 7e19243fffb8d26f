"""Fixtures for all tests: few, small, and none that runs by itself. And no search for garbage in what stays."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mpp.host.patterns.cache import PatternCache
from mpp.stages.privacy import built_in, choose, engine
from mpp.stages.privacy.views import PROBES

ROOT = Path(__file__).resolve().parent.parent

# How long an example takes is a matter of the machine and of what else it does.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_sessionstart() -> None:
    """What is collected stays until the end: thousands of modules and tests, among which no garbage is to be looked for again and again."""
    gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """Vectors too large for the checkout: a folder ``shared`` beside it. Tests that need it are skipped where it is absent."""
    found = root.parent / "shared"
    if not found.is_dir():
        pytest.skip("the folder 'shared' does not stand beside the checkout; its vectors are an extra")
    return found


@pytest.fixture(scope="session")
def compiled(root: Path) -> Path:
    """A cache in which the expressions of the privacy filter are compiled. To do it anew for each home would take a second each."""
    folder = root / "build" / "patterns"
    # A process makes each scanner once, and one that an earlier test made lies in that test's own home.
    engine._MADE.clear()
    choose(tuple(probe for one in built_in() for probe in one.probes) + PROBES, PatternCache(str(folder)))
    return folder


def _layer(root: Path, name: str) -> Path:
    found = Path(os.environ.get(f"MPP_TEST_LAYER_{name.upper()}") or root / "build" / "layers" / f"{name}.mpp")
    if not found.is_file():
        pytest.skip(f"there is no {name} layer; `make layers` builds it")
    return found


@pytest.fixture(scope="session")
def python_layer(root: Path) -> Path:
    """An unsigned layer with CPython, from ``make layers``. Tests that need it are skipped where it is absent."""
    return _layer(root, "python")


@pytest.fixture(scope="session")
def javascript_layer(root: Path) -> Path:
    """The same with QuickJS."""
    return _layer(root, "javascript")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty $MPP_HOME of the test's own."""
    found = tmp_path / "home"
    monkeypatch.setenv("MPP_HOME", str(found))
    return found
