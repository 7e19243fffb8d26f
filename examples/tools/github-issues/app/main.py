"""Issues of a code host, over its HTTP interface. The key that it wants is a secret: the host adds it, and this code never sees it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import quote

from mpp_sdk import Description, http, Length, Pattern, Range, tool, ToolError

API = "https://api.github.com"
"""The address of the interface, if the owner of the machine has set no other."""

Repository = Annotated[str, Description("Owner and name, such as octocat/hello"), Length(3, 200), Pattern("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$")]


@dataclass(frozen=True)
class Issue:
    """One issue."""

    number: int
    title: str
    state: str
    author: str
    labels: list[str]


@tool(security_level="low")
def list_issues(
    repository: Repository,
    state: Annotated[Literal["open", "closed", "all"], Description("Which ones")] = "open",
    most: Annotated[int, Description("How many at most"), Range(1, 100)] = 20,
) -> list[Issue]:
    """List the issues of a repository, the newest first."""
    found = _ask("GET", f"/repos/{repository}/issues?state={quote(state)}&per_page={most}")
    return [_issue(one) for one in found if "pull_request" not in one][:most]


@tool(security_level="low")
def read_issue(repository: Repository, number: Annotated[int, Description("Its number"), Range(1, 10**9)]) -> dict[str, Any]:
    """Read one issue with its text."""
    found = _ask("GET", f"/repos/{repository}/issues/{number}")
    one = _issue(found)
    return {"number": one.number, "title": one.title, "state": one.state, "author": one.author, "text": found.get("body") or ""}


@tool(security_level="high")
def open_issue(
    repository: Repository,
    title: Annotated[str, Description("One line"), Length(1, 200)],
    text: Annotated[str, Description("What it is about, in Markdown"), Length(0, 20_000)] = "",
) -> Issue:
    """Open an issue. Others see it at once."""
    return _issue(_ask("POST", f"/repos/{repository}/issues", {"title": title, "body": text}))


def _ask(method: str, path: str, body: Any = None) -> Any:
    # Settings are those of the call: while the package is made ready there are none.
    api = os.environ.get("ISSUES_API") or API
    headers = {"Accept": "application/vnd.github+json"}
    answer = http.fetch(method, api + path, headers=headers, json=body)
    if answer.status == 404:
        raise ToolError("there is no such repository or issue, or this key may not see it")
    if answer.status in (401, 403):
        raise ToolError("the host does not take the key, or it may not do this")
    if answer.status >= 400:
        raise ToolError(f"the host answered {answer.status}")
    return answer.json()


def _issue(found: Any) -> Issue:
    try:
        labels = [str(one["name"]) for one in found.get("labels", [])]
        return Issue(int(found["number"]), str(found["title"]), str(found["state"]), str(found["user"]["login"]), labels)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ToolError("the host answered with something that is no issue") from None
