"""The OpenAPI document is made of the table, and so are the routes; the pages in docs/reference are the same ones."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import cast

import pytest
from starlette.routing import Route

from mpp.model.jsontext import Json
from mpp_registry.api.schemas import SCHEMAS
from mpp_registry.api.table import ENDPOINTS
from tests.registry.api.world import World
from tools import registry_api

Operation = dict[str, Json]


@functools.cache
def document() -> dict[str, Json]:
    found: dict[str, Json] = json.loads(registry_api.pages()["registry-api.json"])
    return found


def operations(found: dict[str, Json]) -> Iterator[tuple[str, str, Operation]]:
    for path, methods in cast("dict[str, dict[str, Operation]]", found["paths"]).items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(found: Json) -> Iterator[str]:
    if isinstance(found, dict):
        for name, item in found.items():
            if name == "$ref" and isinstance(item, str):
                yield item
            yield from references(item)
    elif isinstance(found, list):
        for item in found:
            yield from references(item)


def test_the_pages_are_up_to_date() -> None:
    assert registry_api.stale() == [], "run python -m tools.registry_api"


def test_the_server_gives_the_document_of_its_own_routes(stocked: World) -> None:
    served = stocked.get("/v1/openapi.json").json
    assert served["servers"] == [{"url": "http://registry.example"}]
    routes = {
        (method, route.path.replace(":path}", "}")) for route in stocked.app.starlette.routes if isinstance(route, Route) for method in (route.methods or ())
    }  # fmt: skip
    listed = {(method, path) for method, path, _ in operations(served)}
    assert routes - {("HEAD", path) for _, path in listed} == listed


def test_the_document_has_every_endpoint_of_the_table() -> None:
    listed = {(method, path) for method, path, _ in operations(document())}
    assert {(row.method, row.path.replace(":path}", "}")) for row in ENDPOINTS} <= listed
    assert {"/v1/discover/{package_id}", "/v2/", "/v0.1/servers", "/health"} <= {path for _, path in listed}


def test_all_that_is_named_is_there() -> None:
    components = cast("dict[str, dict[str, Json]]", document()["components"])
    for reference in references(document()):
        _, _, kind, name = reference.split("/")
        assert name in components[kind], reference
    used = {reference.rpartition("/")[2] for reference in references(document())}
    assert set(SCHEMAS) <= used, sorted(set(SCHEMAS) - used)


def test_each_operation_has_a_name_of_its_own_and_says_what_it_answers() -> None:
    names = [operation["operationId"] for _, _, operation in operations(document())]
    assert len(set(cast("list[str]", names))) == len(names)
    for method, path, operation in operations(document()):
        responses = cast("dict[str, Json]", operation["responses"])
        assert any(status.startswith("2") for status in responses), (method, path)
        assert {"400", "429", "500"} <= set(responses), (method, path)


def test_each_parameter_of_a_path_is_described_and_its_example_fits() -> None:
    for method, path, operation in operations(document()):
        parameters = cast("list[dict[str, Json]]", operation["parameters"])
        places = [one["name"] for one in parameters if one["in"] == "path"]
        assert places == re.findall(r"\{(\w+)\}", path), (method, path)
        for one in parameters:
            schema = cast("dict[str, Json]", one["schema"])
            if "pattern" in schema and one.get("example"):
                assert re.search(str(schema["pattern"]), str(one["example"])), (path, one)


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
def test_who_changes_something_is_asked_who_it_is(row: object) -> None:
    from mpp_registry.api.endpoint import Endpoint

    assert isinstance(row, Endpoint)
    is_open = row.name in {"cosign", "exchange", "report"}
    if row.method != "GET":
        assert (row.auth == "open") == is_open, "what anybody may do is named here"


def test_a_page_that_is_not_the_same_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(registry_api, "pages", lambda: {"registry-api.md": "other"})
    monkeypatch.setattr("sys.argv", ["registry_api", "--check"])
    assert registry_api.main() == 1
    assert "out of date" in capsys.readouterr().out
