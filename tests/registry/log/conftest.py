"""A registry with a log over each of the databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mpp_registry.opening import Options, open_services
from mpp_registry.services import Services
from tests.registry.worlds import SameRandom, SetClock


@pytest.fixture(params=["sqlite", "postgres"])
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Options:
    url = request.getfixturevalue("emptied_url") if request.param == "postgres" else ""
    return Options(data=str(tmp_path / "registry"), name="Test Registry", url="https://registry.example/", database_url=url)


@pytest.fixture
def services(options: Options) -> Iterator[Services]:
    opened = open_services(options, clock=SetClock(), random=SameRandom(), environment={})
    yield opened
    opened.close()
