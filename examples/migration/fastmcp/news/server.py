"""Headlines of several places at once, with httpx."""

import asyncio

import httpx
from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel

mcp = FastMCP("news")

API = "https://news.example.com"


class Article(BaseModel):
    id: int
    title: str
    words: int = 0


async def get(client: httpx.AsyncClient, path: str) -> dict:
    response = await client.get(f"{API}{path}", headers={"Accept": "application/json"})
    response.raise_for_status()
    return response.json()


@mcp.tool()
async def headlines(topics: list[str]) -> dict[str, list[str]]:
    """The headlines of some topics"""
    async with httpx.AsyncClient(timeout=10) as client:
        pages = await asyncio.gather(*(get(client, f"/topics/{topic}") for topic in topics))
    return {topic: [one["title"] for one in page["articles"]] for topic, page in zip(topics, pages)}


@mcp.tool()
async def read_article(id: int) -> Article:
    """One article"""
    async with httpx.AsyncClient(timeout=10) as client:
        found = await get(client, f"/articles/{id}")
    return Article(id=id, title=found["title"], words=len(found["text"].split()))


@mcp.tool()
async def publish(title: str, text: str) -> str:
    """Publish an article"""
    async with httpx.AsyncClient() as client:
        response = await client.post(f"{API}/articles", json={"title": title, "text": text})
    return f"{response.status_code}: {response.text}"


if __name__ == "__main__":
    mcp.run()
