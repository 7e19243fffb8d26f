"""A list of a server, page by page. Spec: legacy V-5."""

from __future__ import annotations

from mpp.errors import ToolFailed
from mpp.model.jsontext import Json, shown
from mpp.protocol.mcp_client.events import Done
from mpp.protocol.mcp_client.limits import CURSOR_CHARS_MAX, PAGES_MAX

TOOLS, PROMPTS, RESOURCES, TEMPLATES = "tools/list", "prompts/list", "resources/list", "resources/templates/list"
LISTS = {TOOLS: "tools", PROMPTS: "prompts", RESOURCES: "resources", TEMPLATES: "resourceTemplates"}
"""The methods that list something, and the key of the answer that has it."""


class Listed:
    """Attack: a cursor that leads round in a circle, or on without end; a list that fills memory."""

    def __init__(self, most: int, method: str = TOOLS) -> None:
        self._most, self._method, self._key = most, method, LISTS[method]
        self._seen: set[str] = set()
        self.items: list[Json] = []

    def take(self, done: Done) -> str:
        """The cursor of the next page; empty at the end. Raises ToolFailed for what is no list."""
        page = done.result.get(self._key) if done.result is not None else None
        if done.result is None or not isinstance(page, list):
            raise self._wrong(f"the server gives no list of {self._key}: {shown(done.error or 'it is none')}")
        self.items += page
        cursor = done.result.get("nextCursor")
        following = cursor if isinstance(cursor, str) else ""
        if len(self.items) > self._most:
            raise self._wrong(f"the server lists more than {self._most} {self._key}")
        if following and (len(following) > CURSOR_CHARS_MAX or following in self._seen or len(self._seen) >= PAGES_MAX):
            raise self._wrong(f"the list of {self._key} has no end")
        self._seen.add(following)
        return following

    def _wrong(self, words: str) -> ToolFailed:
        return ToolFailed("tool.protocol", words, where=self._method, hint="look at the server")
