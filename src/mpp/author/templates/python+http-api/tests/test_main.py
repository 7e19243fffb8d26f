"""The network is one in memory: what has no route is not declared."""

import main
from mpp_sdk.testing import Bench, Reply

ISSUES = [{"number": 7, "title": "It rains"}, {"number": 5, "title": "It snows"}]


def test_open_issues():
    with Bench(routes={"GET https://api.example.com/issues": Reply(json_body=ISSUES)}) as bench:
        assert bench.call(main.open_issues, project="weather").structured == {"issues": ISSUES}
        assert "project=weather" in bench.requests[0].url


def test_a_project_that_is_not_there():
    with Bench(routes={"GET https://api.example.com/issues": Reply(404)}) as bench:
        assert "no project" in bench.call(main.open_issues, project="weather").text


def test_without_the_network_in_the_manifest():
    with Bench() as bench:
        assert bench.call(main.open_issues, project="weather").is_error
