"""From an MCP server to the beginning of a package: a manifest draft from its list of tools, and what it was seen to use.

Nothing here runs a server: whoever calls brings its tools, its trace and its sources.
"""
