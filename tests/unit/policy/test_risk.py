"""The risk score: the four reference cases, each factor by itself, and what is printed."""

from __future__ import annotations

import json

import pytest

from mpp.model.jsontext import Json
from mpp.model.manifest import Manifest, parse_manifest
from mpp.stages.policy import risk as subject
from mpp.stages.policy.risk import RiskFacts, band_of, level_of, risk_of
from mpp.stages.policy.risk_words import is_personal, is_sensitive_path, is_starting_path, is_wide_path, looks_like_key, strong_kinds, terms_of
from mpp.stages.policy.types import Risk
from mpp.testing import packages

OWN = RiskFacts(trusted_because="own key", first_seen_days=400)
"""Nothing of the publisher or of newness adds a point."""

PLAIN: dict[str, Json] = {"privacy_filters": None}


def tool(level: str = "low", *parameters: str, name: str = "work", **more: Json) -> Json:
    properties: dict[str, Json] = {one: {"type": "string"} for one in parameters}
    return {"name": name, "description": "Works.", "parameters": {"type": "object", "properties": properties}, "security_level": level, **more}


def manifest(changes: dict[str, Json] | None = None, *tools: Json) -> Manifest:
    listed: list[Json] = [*tools] or [tool()]
    return parse_manifest(json.dumps(packages.manifest({**PLAIN, "tool_definitions": listed, **(changes or {})})).encode())


def score(changes: dict[str, Json] | None = None, *tools: Json, facts: RiskFacts = OWN) -> int:
    return risk_of(manifest(changes, *tools), None, facts).score


def files(read: tuple[str, ...] = (), write: tuple[str, ...] = ()) -> dict[str, Json]:
    return {"capabilities/filesystem": {"read": [*read], "write": [*write]}}


def network(*rules: Json) -> dict[str, Json]:
    return {"capabilities/network": [*rules]}


def looking(host: str) -> Json:
    return {"host": host, "methods": ["GET"]}


# --- the four cases that the scale is set by

NEW = RiskFacts(trusted_because="pinned")
INSIDE = RiskFacts(trusted_because="pinned", internal_hosts=("db.example.com:5432",))
FORMATTER = manifest({}, tool("low", "text", "width"))
CONFIG = manifest(files(read=("/etc/reports/settings.toml",)), tool("low", "section"))
DATABASE: dict[str, Json] = {
    **network("db.example.com:5432"),
    "capabilities/env_vars": ["DATABASE_PASSWORD"],
    "privacy_filters": {"patterns": ["ssn", "credit_card"]},
}
PAYMENT: dict[str, Json] = {
    **network({"host": "api.payments.example", "methods": ["POST"]}),
    "capabilities/secrets": [{"name": "PAY_KEY", "host": "api.payments.example", "header": "Authorization"}],
    "privacy_filters": {"patterns": ["credit_card"]},
}


@pytest.mark.parametrize(
    ("found", "facts", "least", "most", "bands"),
    [
        (FORMATTER, OWN, 0, 0, {"low"}),
        (FORMATTER, NEW, 0, 5, {"low"}),
        (CONFIG, OWN, 1, 24, {"low"}),
        (CONFIG, NEW, 1, 24, {"low"}),
        (manifest(DATABASE, tool("medium", "query", "customer_id")), INSIDE, 25, 74, {"medium", "high"}),
        (manifest(DATABASE, tool("high", "query", "customer_id")), INSIDE, 25, 74, {"medium", "high"}),
        (manifest(PAYMENT, tool("low", "amount", "currency")), OWN, 50, 100, {"high", "critical"}),
        (manifest(PAYMENT, tool("high", "amount", "card_number")), NEW, 50, 100, {"high", "critical"}),
        (manifest(PAYMENT, tool("critical", "amount", "card_number")), NEW, 50, 100, {"critical"}),
    ],
)  # fmt: skip
def test_the_reference_cases_have_their_places(found: Manifest, facts: RiskFacts, least: int, most: int, bands: set[str]) -> None:
    risk = risk_of(found, None, facts)
    assert least <= risk.score <= most, risk
    assert risk.band in bands


def test_the_cases_are_in_their_order() -> None:
    cases = [
        risk_of(FORMATTER, None, NEW),
        risk_of(CONFIG, None, NEW),
        risk_of(manifest(DATABASE, tool("high", "query")), None, INSIDE),
        risk_of(manifest(PAYMENT, tool("high", "card_number")), None, NEW),
    ]
    scores = [one.score for one in cases]
    assert scores == sorted(set(scores))


# --- each factor


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        (network(looking("api.example.com")), 16),
        (network(looking("a.example.com"), looking("b.example.com"), looking("c.example.com")), 20),
        (network(*(looking(f"h{i}.example.com") for i in range(9))), 24),
        (network("api.example.com"), 22),
        (network({"host": "api.example.com", "methods": ["GET", "DELETE"]}), 22),
        (network({"host": "api.example.com", "methods": ["HEAD", "OPTIONS"]}), 16),
        (network({"host": "*.example.com", "methods": ["GET"]}), 22),
        (network({"host": "*.example.com", "methods": ["GET"]}, {"host": "*.example.org", "methods": ["GET"]}), 26),
        (network({"host": "api.example.com", "methods": ["GET"], "schemes": ["http"]}), 24),
        (files(read=("/srv/app/in",)), 4),
        (files(read=("/srv/app/in", "/srv/app/b", "/srv/app/c")), 6),
        (files(read=tuple(f"/srv/app/{i}" for i in range(9))), 8),
        (files(read=("${workspace}/docs",)), 4),
        (files(read=("${workspace}",)), 8),
        (files(read=("/data",)), 14),
        (files(read=("/home/ada",)), 14),
        (files(read=("/home/ada/.ssh",)), 30),
        (files(read=("/srv/app/in", "/home/ada/.ssh")), 31),
        (files(write=("/srv/app/out",)), 10),
        (files(write=("/srv/app/out", "/srv/app/log")), 12),
        (files(write=("${workspace}",)), 26),
        (files(write=("/home",)), 32),
        (files(write=("/home/ada/.bashrc",)), 45),
        (files(write=("${workspace}/.git",)), 45),
        (files(write=("${workspace}/lib",)), 10),
        (files(write=("/opt/app/lib",)), 45),
        (files(write=("/srv/wallet",)), 45),
        ({"capabilities/env_vars": ["REGION"]}, 1),
        ({"capabilities/env_vars": ["REGION", "ZONE", "CITY", "STREET_MAP"]}, 3),
        ({"capabilities/env_vars": ["API_KEY"]}, 15),
        ({"capabilities/env_vars": ["API_KEY", "DB_PASSWORD", "REGION"]}, 19),
        ({"capabilities/env_vars": [f"TOKEN_{i}" for i in "ABCDEFG"]}, 24),
        ({"capabilities/hardware": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "r"}]}, 10),
        ({"capabilities/hardware": [{"device": "serial-port", "path": "/dev/ttyUSB0", "mode": "rw"}]}, 14),
        ({"capabilities/hardware": [{"device": "web-camera", "path": "/dev/video0", "mode": "r"}]}, 18),
        ({"capabilities/storage": {"kv": {"max_bytes": 1000}}}, 1),
        ({"capabilities/storage": {"kv": {"max_bytes": 200 << 20}}}, 2),
        ({"privacy_filters": {"patterns": ["email"]}}, 2),
        ({"privacy_filters": {"patterns": ["iban"]}}, 10),
        ({"privacy_filters": {"patterns": ["iban", "ssn", "email"]}}, 15),
        ({"privacy_filters": {"enabled": False}}, 2),
        ({"privacy_filters": {"enabled": False, "patterns": ["email"]}}, 8),
        ({"privacy_filters": {"custom_patterns": [{"id": "patient_id", "regex": "P[0-9]+"}]}}, 10),
    ],
)  # fmt: skip
def test_a_factor_has_its_points(changes: dict[str, Json], points: int) -> None:
    assert score(changes) == points


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        # What can be taken and a way out: more than the sum of the two.
        (files(read=("/srv/app/in",)) | network(looking("api.example.com")), 4 + 16 + 10),
        ({"capabilities/env_vars": ["API_KEY"]} | network(looking("api.example.com")), 15 + 16 + 8),
        (files(read=("/srv/app/id_rsa",)) | network(looking("api.example.com")), 30 + 16 + 10 + 8),
        ({"privacy_filters": {"patterns": ["iban"]}} | network(looking("api.example.com")), 10 + 16 + 8),
        ({"capabilities/secrets": [{"name": "K", "host": "api.example.com", "header": "X-Key"}]} | network(looking("api.example.com")), 12 + 16 + 8),
    ],
)  # fmt: skip
def test_what_is_harmless_alone_counts_together(changes: dict[str, Json], points: int) -> None:
    assert score(changes) == points


@pytest.mark.parametrize(("level", "points", "band"), [("low", 0, "low"), ("medium", 6, "medium"), ("high", 14, "high"), ("critical", 24, "critical")])
def test_the_level_adds_points_and_is_the_least_band(level: str, points: int, band: str) -> None:
    found = manifest({}, tool(level))
    risk = risk_of(found, found.tool_definitions[0], OWN)
    assert (risk.score, risk.band) == (points, band)


def test_a_package_is_as_risky_as_its_most_sensitive_tool_and_a_tool_as_itself() -> None:
    found = manifest({}, tool("low", "text", name="one"), tool("high", "ssn", name="two"))
    one, two = found.tool_definitions
    assert [risk_of(found, which, OWN).score for which in (one, two, None)] == [0, 24, 24]
    assert [level_of(found, which) for which in (one, two, None)] == ["low", "high", "high"]


def test_a_package_without_tools_has_no_level() -> None:
    layer: dict[str, Json] = {"runtime": {"type": "layer", "entrypoint": "x", "memory_limit_mb": 1, "timeout_ms": 1}, "tool_definitions": []}
    assert level_of(parse_manifest(json.dumps(packages.manifest(layer)).encode()), None) == "low"


def test_names_are_found_at_any_depth_and_in_results() -> None:
    deep: Json = {"type": "array", "items": {"anyOf": [{"type": "object", "properties": {"IBAN": {"type": "string"}}}]}}
    nested: Json = {"type": "object", "properties": {"rows": deep}}
    assert score({}, tool("low", "text", parameters=nested)) == 10
    assert score({}, tool("low", "text", returns=nested)) == 10
    odd: Json = {"type": "object", "properties": {"properties": {"type": "string"}}}
    assert score({}, tool("low", parameters=odd)) == 0


# --- what the host knows


@pytest.mark.parametrize(
    ("facts", "with_capability", "without"),
    [
        (OWN, 4, 0),
        (RiskFacts(trusted_because="own key"), 8, 0),
        (RiskFacts(trusted_because="own key", first_seen_days=3), 6, 0),
        (RiskFacts(trusted_because="own key", first_seen_days=7), 4, 0),
        (RiskFacts(trusted_because="pinned", first_seen_days=30), 6, 0),
        (RiskFacts(trusted_because="hearsay", first_seen_days=30), 12, 8),
        (RiskFacts(trusted_because="own key", first_seen_days=30, development=True), 10, 6),
    ],
)
def test_publisher_and_newness_count_where_something_is_at_stake(facts: RiskFacts, with_capability: int, without: int) -> None:
    assert score(files(read=("/srv/app/in",)), facts=facts) == with_capability
    assert score({}, facts=facts) == without


def test_hosts_inside_count_less_and_a_wildcard_is_never_inside() -> None:
    inside = RiskFacts(trusted_because="own key", first_seen_days=30, internal_hosts=("db.example.com:5432", "crm.example.com", "example.com"))
    assert score(network({"host": "db.example.com", "ports": [5432], "methods": ["GET"]}), facts=inside) == 8
    assert score(network(looking("db.example.com"), looking("crm.example.com")), facts=inside) == 9
    assert score(network(looking("db.example.com"), looking("api.example.com")), facts=inside) == 24
    assert score(network({"host": "*.example.com", "methods": ["GET"]}), facts=inside) == 22
    assert score(files(read=("/srv/app/in",)) | network(looking("db.example.com")), facts=inside) == 4 + 8 + 4
    assert score({"capabilities/env_vars": ["API_KEY"]} | network(looking("db.example.com")), facts=inside) == 15 + 8 + 4


# --- the form


def everything() -> Risk:
    changes: dict[str, Json] = {
        **network("a.example.com", "b.example.com", "c.example.com", "d.example.com", "*.example.org"),
        **files(read=("/home/ada/.ssh", "/data"), write=("/home/ada/.bashrc", "/home")),
        "capabilities/env_vars": ["API_KEY", "REGION"],
        "privacy_filters": {"enabled": False, "patterns": ["iban", "email"]},
    }
    return risk_of(manifest(changes, tool("critical", "salary")), None, NEW)


def test_a_score_ends_at_100_and_its_reasons_stand_in_order() -> None:
    risk = everything()
    points = [one.points for one in risk.reasons]
    assert (risk.score, risk.band) == (100, "critical")
    assert points == sorted(points, reverse=True)
    assert sum(points) > 100
    assert all(points)


def test_reasons_are_sentences_and_name_what_they_count() -> None:
    words = [one.words for one in everything().reasons]
    assert all(one[0].isupper() and one.endswith(".") and "\n" not in one for one in words)
    assert "Sends requests to a.example.com, b.example.com, c.example.com and 2 more, outside of our network." in words
    assert "May read /home/ada/.ssh, a place where keys, passwords or money lie, and 1 more." in words
    assert "May create, change and delete files in /home/ada/.bashrc, a place from which programs are started, and 1 more." in words
    assert "Can read API_KEY: by the name a key or password of ours." in words
    assert "Handles payment data and pay and employment (it speaks of iban and salary)." in words
    assert "Is given 1 setting of ours." in words
    assert "May read the whole workspace." in [one.words for one in risk_of(manifest(files(read=("${workspace}",))), None, OWN).reasons]
    assert "Is given 2 settings of ours." in [one.words for one in risk_of(manifest({"capabilities/env_vars": ["A", "B"]}), None, OWN).reasons]
    assert "May read /srv/app/a and /srv/app/b." in [one.words for one in risk_of(manifest(files(read=("/srv/app/a", "/srv/app/b"))), None, OWN).reasons]


@pytest.mark.parametrize(
    ("points", "band"), [(0, "low"), (24, "low"), (25, "medium"), (49, "medium"), (50, "high"), (74, "high"), (75, "critical"), (100, "critical")]
)
def test_bands_have_their_bounds(points: int, band: str) -> None:
    assert band_of(points) == band


def test_the_same_gives_the_same() -> None:
    assert everything() == everything()
    assert subject.BOUND == ("pinned", "own key")


# --- words


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("cardNumber", {"payment data"}),
        ("CARD-NUMBER", {"payment data"}),
        ("customer_credit_cards", {"payment data"}),
        ("card_id", set()),
        ("IBAN2", {"payment data"}),
        ("libano", set()),
        ("patients", {"health data"}),
        ("employeeSSN", {"identity papers"}),
        ("APIKey", {"passwords and keys"}),
        ("", set()),
        ("Größe", set()),
    ],
)
def test_names_are_read_by_whole_words(name: str, kinds: set[str]) -> None:
    assert set(strong_kinds((name,))) == kinds


def test_the_first_name_that_speaks_of_a_kind_is_named() -> None:
    assert strong_kinds(("text", "iban", "cvv", "ssn")) == {"payment data": "iban", "identity papers": "ssn"}


def test_terms_grow_with_the_length_of_a_name_and_no_faster() -> None:
    assert list(terms_of("aB_cs")) == ["a", "a_b", "a_b_cs", "a_b_c", "b", "b_cs", "b_c", "cs", "c"]
    assert sum(1 for _ in terms_of("x_" * 256)) == 3 * 256 - 3


@pytest.mark.parametrize(("name", "is_key"), [("STRIPE_KEY", True), ("DATABASE_URL", True), ("DB_PASSWORDS", True), ("API_URL", False), ("KEYBOARD", False)])
def test_settings_that_are_keys(name: str, is_key: bool) -> None:
    assert looks_like_key(name) is is_key


@pytest.mark.parametrize(
    ("path", "sensitive", "starts", "wide"),
    [
        ("/", False, False, True),
        ("/data", False, False, True),
        ("/database/in", False, False, False),
        ("/Home/Ada", False, False, True),
        ("/home/ada/notes", False, False, False),
        ("/home/ada/.AWS/config", True, False, False),
        ("/srv/app/server.PEM", True, False, False),
        ("/srv/app/pem", False, False, False),
        ("/etc/shadow", True, False, False),
        ("/etc/systemd/system", False, True, False),
        ("/usr/bin", False, True, True),
        ("${workspace}/bin", False, False, False),
        ("${workspace}/.github/x", False, True, False),
    ],
)
def test_paths_that_matter(path: str, sensitive: bool, starts: bool, wide: bool) -> None:
    assert (is_sensitive_path(path), is_starting_path(path)) == (sensitive, starts)
    assert path.startswith("$") or is_wide_path(path) is wide


def test_data_about_people() -> None:
    assert is_personal("customer_email")
    assert is_personal("dateOfBirth")
    assert not is_personal("emailer")
