"""A style guide: resources, prompts, and a tool that checks a text."""

from mcp.server.fastmcp import FastMCP

mcp = FastMCP("style-guide")

RULES = ["Short sentences.", "No jargon.", "Say what happened."]


@mcp.resource("style://rules")
def rules() -> str:
    """The rules"""
    return "\n".join(f"- {rule}" for rule in RULES)


@mcp.resource("style://words/{word}", mime_type="text/markdown")
def word(word: str) -> str:
    """What to write for a word"""
    return f"# {word}\n\nIs {word} the plainest word that you know?"


@mcp.resource("style://limits/{language}")
def limit(language: str) -> str:
    """How long sentences are in a language"""
    return "30 words" if language == "de" else "20 words"


@mcp.prompt()
def review(text: str) -> str:
    """Review a text"""
    return f"Please review this text by our rules:\n\n{text}"


@mcp.prompt(title="Rewrite a text")
def rewrite(text: str, reader: str) -> list[dict]:
    """Rewrite a text for a reader"""
    return [
        {"role": "user", "content": {"type": "text", "text": f"Rewrite this for {reader}:"}},
        {"role": "user", "content": {"type": "text", "text": text}},
        {"role": "assistant", "content": {"type": "text", "text": "I keep the meaning and make the sentences short."}},
    ]


@mcp.tool()
def check(text: str, longest: int = 20) -> list[str]:
    """The sentences of a text that are too long"""
    sentences = [sentence.strip() for sentence in text.replace("!", ".").replace("?", ".").split(".")]
    return [sentence for sentence in sentences if len(sentence.split()) > longest]


if __name__ == "__main__":
    mcp.run()
