"""Issues of a made-up host."""

from __future__ import annotations

import json

import pytest

import main
from mpp_sdk.testing import ArgumentsRefused, Bench, Reply, Request

API = main.API + "/repos/octocat/hello/issues"
ONE = {"number": 7, "title": "It breaks", "state": "open", "user": {"login": "ada"}, "labels": [{"name": "bug"}], "body": "Often."}
SHORT = {"number": 7, "title": "It breaks", "state": "open", "author": "ada", "labels": ["bug"]}


def test_lists_issues_and_no_pull_requests() -> None:
    pull = {**ONE, "number": 8, "pull_request": {}}
    with Bench(routes={f"GET {API}": Reply(json_body=[ONE, pull])}) as bench:
        assert bench.call("list_issues", repository="octocat/hello").structured == {"result": [SHORT]}
        (asked,) = bench.requests
    assert asked.url.endswith("?state=open&per_page=20")
    # The key is added by the host, behind this code.
    assert "authorization" not in {name.lower() for name, _ in asked.headers}


def test_reads_one_with_its_text() -> None:
    with Bench(routes={f"GET {API}/7": Reply(json_body=ONE)}) as bench:
        assert bench.call("read_issue", repository="octocat/hello", number=7).structured["text"] == "Often."


def test_opens_one() -> None:
    def opened(request: Request) -> Reply:
        return Reply(201, json_body={**ONE, "title": json.loads(request.body)["title"]})

    with Bench(routes={f"POST {API}": opened}) as bench:
        assert bench.call("open_issue", repository="octocat/hello", title="New").structured["title"] == "New"


@pytest.mark.parametrize(("status", "words"), [(404, "no such repository"), (401, "does not take the key"), (403, "may not do this"), (500, "answered 500")])
def test_says_what_the_host_meant(status: int, words: str) -> None:
    with Bench(routes={f"GET {API}/7": Reply(status, json_body={})}) as bench:
        found = bench.call("read_issue", repository="octocat/hello", number=7)
    assert found.is_error
    assert words in found.text


def test_another_address_comes_from_the_settings() -> None:
    routes = {"GET https://code.example.com/repos/octocat/hello/issues/7": Reply(json_body=ONE)}
    with Bench(routes=routes, env={"ISSUES_API": "https://code.example.com"}) as bench:
        assert not bench.call("read_issue", repository="octocat/hello", number=7).is_error


def test_an_answer_that_is_no_issue_is_an_error() -> None:
    with Bench(routes={f"GET {API}/7": Reply(json_body={"number": "x"})}) as bench:
        assert "no issue" in bench.call("read_issue", repository="octocat/hello", number=7).text


def test_a_repository_is_no_path() -> None:
    with Bench() as bench, pytest.raises(ArgumentsRefused):
        bench.call("list_issues", repository="../../user")
