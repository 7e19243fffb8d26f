"""Notes in files of one folder."""

import os
from pathlib import Path

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("notes", instructions="Keeps notes in the workspace.")


def folder() -> Path:
    return Path(os.environ.get("NOTES_FOLDER", "/workspace/notes"))


def place(title: str) -> Path:
    if not title or not all(letter.isalnum() or letter in " -_" for letter in title):
        raise ValueError(f"{title!r} is no title of a note")
    return folder() / f"{title}.md"


@mcp.tool()
def add_note(title: str, text: str) -> str:
    """Write a note, in the place of one with the same title."""
    folder().mkdir(parents=True, exist_ok=True)
    place(title).write_text(text, encoding="utf-8")
    return f"Wrote {title}"


@mcp.tool()
def read_note(title: str) -> str:
    """Read a note."""
    try:
        return place(title).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(f"there is no note {title!r}") from None


@mcp.tool()
def list_notes() -> list[str]:
    """The titles of all notes."""
    return sorted(path.stem for path in folder().glob("*.md"))


@mcp.tool()
def search_notes(words: str) -> dict[str, list[str]]:
    """The lines of all notes that hold some words, by title."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder().glob("*.md")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if words.lower() in line.lower()]
        if lines:
            found[path.stem] = lines
    return found


if __name__ == "__main__":
    mcp.run()
