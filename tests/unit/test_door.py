"""The package's own door: public names come when they are asked for, others do not exist."""

from __future__ import annotations

import importlib

import pytest

import mpp


@pytest.mark.parametrize("name", mpp.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(mpp, name) is not None


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'verfy'"):
        _ = mpp.verfy  # type: ignore[attr-defined]


def test_importing_the_main_module_runs_nothing() -> None:
    assert importlib.import_module("mpp.__main__").__doc__
