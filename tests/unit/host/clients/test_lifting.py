"""Which texts are secrets. All values are made up."""

from __future__ import annotations

import pytest

from mpp.host.clients.lifting import has_secret_url, is_secret_name, is_secret_url, secret_variables, secret_words
from mpp.host.clients.servers import read_server

NAMES = [
    "GITHUB_TOKEN", "OPENAI_API_KEY", "apiKey", "api-key", "DB_PASSWORD", "PGPASSWORD", "SECRET", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "PASSPHRASE",
    "MY_PAT", "SENTRY_DSN", "Authorization", "Cookie", "X-Api-Key", "DATABASE_URL", "REDIS_URL", "CONNECTION_STRING", "GOOGLE_APPLICATION_CREDENTIALS", "SLACK_WEBHOOK",
    "key", "licenseKey", "DB_PASS", "SMTP_PWD",
]  # fmt: skip
OTHERS = [
    "DEBUG",
    "LOG_LEVEL",
    "NODE_ENV",
    "REGION",
    "PATH",
    "PORT",
    "KEYBOARD",
    "MONKEY_MODE",
    "COMPASS",
    "TIMEOUT",
    "user",
    "PATTERN",
    "BYPASS_CACHE",
    "BASE_URL",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_settings(name: str) -> None:
    assert not is_secret_name(name)


VALUE = "made" + "-up-1234"
WORDS = [
    (["--api-key", VALUE], {2}),
    (["--token=" + VALUE], {1}),
    (["--token:" + VALUE], {1}),
    (["-k", VALUE, "x"], set()),
    (["API_KEY=" + VALUE], {1}),
    (["-e", "DB_PASSWORD=" + VALUE], {2}),
    (["-e", "DB_PASSWORD"], set()),
    (["--header", "Authorization: Bearer " + VALUE], {2}),
    (["--header", "X-Api-Key:" + VALUE], {2}),
    (["postgres://ada:" + VALUE + "@db.example.com/x"], {1}),
    (["https://x.example/mcp?api_key=" + VALUE], {1}),
    (["--use-token", "true", "--keys", "5"], set()),
    (["--no-auth", "--port", "80", "/home/ada/token.txt"], set()),
    (["--secret-file=/run/secret"], {1}),
]


@pytest.mark.parametrize(("args", "places"), WORDS)
def test_words_of_a_command(args: list[str], places: set[int]) -> None:
    assert secret_words(read_server("x", {"command": "a", "args": args}, ()), lambda _: ()) == places


def test_what_the_detectors_see_counts_too() -> None:
    server = read_server("x", {"command": "a", "args": ["b", "c"], "env": {"A/B": "1", "C": "2"}}, ())
    assert secret_words(server, lambda _: ["/2"]) == {2}
    assert secret_variables(server, lambda _: ["/A~1B"]) == {"A/B"}
    assert secret_variables(server, lambda _: ()) == set()


def test_variables_by_name_and_by_form() -> None:
    env = {"API_KEY": VALUE, "KEY": "true", "URL": f"amqp://ada:{VALUE}@mq.example.com", "PLAIN": "x", "TOKEN": ""}
    assert secret_variables(read_server("x", {"command": "a", "env": env}, ()), lambda _: ()) == {"API_KEY", "URL"}


@pytest.mark.parametrize(
    ("url", "is_secret"),
    [
        ("https://x.example/mcp", False),
        (f"https://u:{VALUE}@x.example", True),
        ("https://x.example/?token=", False),
        (f"https://x.example/?token={VALUE}", True),
        ("https://[x", False),
        ("plain", False),
    ],
)
def test_addresses(url: str, is_secret: bool) -> None:
    assert is_secret_url(url) is is_secret
    assert has_secret_url(read_server("x", {"url": url}, ()), lambda _: ()) is is_secret


def test_an_address_in_which_a_detector_sees_a_secret() -> None:
    assert has_secret_url(read_server("x", {"url": "https://x.example/s/abc/mcp"}, ()), lambda _: ["/0"])
    assert not has_secret_url(read_server("x", {"command": "a"}, ()), lambda _: ["/0"])
