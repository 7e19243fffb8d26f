"""Reads files of the folder that a person grants. Everything else is not there: the tool cannot even see that it exists."""

import os
from collections.abc import Iterator
from typing import Annotated, TypedDict

from mpp_sdk import Length, Range, ToolError, tool

WORKSPACE = "/workspace"
"""Where the tool finds the folder that manifest.json calls ${workspace}, wherever it is on the machine."""

FILE_BYTES_MAX = 1_000_000


class Hit(TypedDict):
    file: str
    line: int
    text: str


class Hits(TypedDict):
    hits: list[Hit]


@tool(security_level="low")
def search(
    word: Annotated[str, "What is looked for", Length(1, 200)],
    most: Annotated[int, "How many lines are given at most", Range(1, 200)] = 50,
) -> Hits:
    """Find the lines of text files that hold a word."""
    if not os.path.isdir(WORKSPACE):
        raise ToolError("No folder was granted.")
    hits: list[Hit] = []
    for path in _text_files(WORKSPACE):
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if word.lower() in line.lower():
                    hits.append({"file": os.path.relpath(path, WORKSPACE), "line": number, "text": line.strip()[:200]})
                if len(hits) == most:
                    return {"hits": hits}
    return {"hits": hits}


def _text_files(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(here, name)
            if name.endswith((".txt", ".md", ".csv", ".log")) and os.path.getsize(path) <= FILE_BYTES_MAX:
                yield path
