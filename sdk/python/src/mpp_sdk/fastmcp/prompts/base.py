"""Messages of prompts, where FastMCP has them."""

from mpp_sdk.fastmcp._content import AssistantMessage, Message, UserMessage

__all__ = ["AssistantMessage", "Message", "UserMessage"]
