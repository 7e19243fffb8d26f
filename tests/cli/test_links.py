"""Links: a path that is allowed by name and leads elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Mpp
from tests.cli.test_run import HELLO, Make, package, says  # noqa: F401 - the fixture
from tests.records import events

ALLOW = """
mpp_policy = 1
name = "team"

[[rules]]
id = "our-data"
effect = "allow"
packages = ["com.example.*"]
capabilities = {{ read = ["{ok}"{more}] }}
"""
BESIDE = """
[[rules]]
id = "beside"
effect = "{effect}"
capabilities = {{ read = ["{away}"] }}
"""


@pytest.fixture
def attempt(mpp: Mpp, package: Make, tmp_path: Path) -> Callable[..., Any]:  # noqa: F811
    """A call of a tool that declares a path in an allowed folder, which is a link to another one."""
    ok, away = tmp_path / "ok", tmp_path / "away"
    ok.mkdir()
    away.mkdir()
    (ok / "plain").mkdir()
    (ok / "sub").symlink_to(away)

    def call(path: str, *options: str, more: str = "", effect: str = "") -> Any:
        made = package(says(HELLO), {"capabilities/filesystem": {"read": [str(ok / path)]}})
        rest = BESIDE.format(effect=effect, away=away) if effect else ""
        Path("policy.toml").write_text(ALLOW.format(ok=ok, more=more.format(away=f', "{away}"')) + rest)
        assert mpp("policy", "use", "policy.toml", "--yes").code == 0
        options = tuple(one.format(sub=ok / path, plain=ok / "plain") for one in options)
        return mpp("run", made, "--args", '{"name": "Ada"}', "--json", *options)

    return call


def test_a_plain_path_is_what_it_is_called(attempt: Callable[..., Any]) -> None:
    assert attempt("plain").code == 0


def test_a_link_is_no_way_to_another_place(attempt: Callable[..., Any], home: Path) -> None:
    assert attempt("sub").json["error"]["code"] == "policy.denied"
    rows = events(home)
    (decision,) = (row for row in rows if row.kind == "decision")
    assert "/away" in json.dumps(decision.body)


def test_whoever_allows_both_allows_it(attempt: Callable[..., Any]) -> None:
    assert attempt("sub", more="{away}").code == 0


@pytest.mark.parametrize(("effect", "code"), [("deny", "policy.denied"), ("ask", "approval.required")])
def test_a_rule_about_the_place_sees_the_link(attempt: Callable[..., Any], effect: str, code: str) -> None:
    assert attempt("sub", more="{away}", effect=effect).json["error"]["code"] == code


def test_what_the_owner_placed_is_his_word(attempt: Callable[..., Any]) -> None:
    assert attempt("sub", "--map", "{sub}={plain}").code == 0
