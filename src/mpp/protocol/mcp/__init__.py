"""The Model Context Protocol as this project speaks it. Spec: spec/mcp-front.md."""
