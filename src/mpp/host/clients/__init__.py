"""The configuration files of MCP clients: where they lie, what they say, and changing no byte more than is needed."""
