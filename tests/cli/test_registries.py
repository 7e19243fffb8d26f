"""Where runners fetch their code from: what is set, what a program says, and nothing that is built in."""

from __future__ import annotations

import pytest

from mpp.cli.clients import registries as subject
from mpp.cli.clients.registries import hosts_of

CASES = [
    ("npx", {"npm_config_registry": "https://npm.corp.example/"}, "", ("npm.corp.example:443",)),
    ("npx", {"NPM_CONFIG_REGISTRY": "https://npm.corp.example:8443/a"}, "", ("npm.corp.example:8443",)),
    ("npx", {}, "https://registry.example.com/\n", ("registry.example.com:443",)),
    ("npx", {"npm_config_registry": "http://plain.example"}, "https://registry.example.com/", ("registry.example.com:443",)),
    ("npx", {}, "", ()),
    ("npx", {}, "no address", ()),
    ("npx", {}, "https://host.example:port/", ()),
    ("uvx", {"UV_DEFAULT_INDEX": "https://index.example/simple"}, "never asked", ("index.example:443",)),
    ("uvx", {}, "never asked", ()),
    ("docker", {}, "never asked", ()),
]


@pytest.mark.parametrize(("runner", "environment", "answer", "wanted"), CASES)
def test_what_is_set_counts_before_what_a_program_says(runner: str, environment: dict[str, str], answer: str, wanted: tuple[str, ...]) -> None:
    assert hosts_of(runner, environment, lambda _: answer) == wanted


def test_a_program_that_is_not_there_or_fails_says_nothing() -> None:
    subject._asked.cache_clear()
    assert subject._asked(("no-such-program-here",)) == ""
    assert subject._asked(("false",)) == ""
    assert subject._asked(("echo", "https://registry.example.com/")).strip() == "https://registry.example.com/"
    subject._asked.cache_clear()


def test_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("npm_config_registry", "https://registry.example.com")
    assert subject.registries("npx") == ("registry.example.com:443",)
