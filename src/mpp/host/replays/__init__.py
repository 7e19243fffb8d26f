"""Replays of MCP calls: what a server answered, recorded, asked again of what shall take its place, and compared.

Not the replay of the log (mpp.host.replaying): that judges calls of the record once more, and runs nothing.
"""
