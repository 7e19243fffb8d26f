"""Messages of prompts, where FastMCP has them."""
