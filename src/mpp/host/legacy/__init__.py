"""Older MCP servers beside packages: nobody verified them, so each is held in a sandbox of the operating system, pinned by what it says of itself, and judged call by call. Spec: spec/legacy.md."""
