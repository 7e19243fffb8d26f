"""Asks a web API. The host adds the secret to each request to api.example.com; this code never sees it."""

from typing import Annotated, TypedDict

from mpp_sdk import Range, ToolError, http, tool

API = "https://api.example.com"


class Issue(TypedDict):
    number: int
    title: str


class Issues(TypedDict):
    issues: list[Issue]


@tool
def open_issues(
    project: Annotated[str, "Name of the project"],
    most: Annotated[int, "How many are given at most", Range(1, 100)] = 20,
) -> Issues:
    """List the open issues of a project, the newest first."""
    answer = http.get(f"{API}/issues", params={"project": project, "state": "open", "per_page": most})
    if answer.status == 404:
        raise ToolError(f"There is no project {project!r}.")
    answer.raise_for_status()
    return {"issues": [{"number": one["number"], "title": one["title"]} for one in answer.json()[:most]]}
