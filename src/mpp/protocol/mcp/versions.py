"""The versions of the protocol and its numbers: two eras, one with a session and one in which each request says all. Spec: mcp-front J-1 to J-3."""

from __future__ import annotations

MODERN = "2026-07-28"
"""The era without sessions: each request says version and capabilities."""
V2024 = "2024-11-05"
V2025_03 = "2025-03-26"
V2025_06 = "2025-06-18"
V2025_11 = "2025-11-25"
OLD = (V2024, V2025_03, V2025_06, V2025_11)
"""The era of ``initialize``, oldest first. They compare as texts."""
SUPPORTED = (MODERN, *reversed(OLD))

META = "io.modelcontextprotocol/"
VERSION_KEY = META + "protocolVersion"
CAPABILITIES_KEY = META + "clientCapabilities"
LEVEL_KEY = META + "logLevel"
SUBSCRIPTION_KEY = META + "subscriptionId"
SERVER_KEY = META + "serverInfo"
TIMEOUT_KEY = "mpp/timeoutMs"
"""Our own key in ``_meta`` of a call: how long the client wants to wait, in milliseconds."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
NO_METHOD = -32601
INVALID_PARAMS = -32602
INTERNAL = -32603
NO_RESOURCE = -32002
"""The old era only."""
HEADER_MISMATCH = -32020
NO_CAPABILITY = -32021
NO_VERSION = -32022

LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""Of a log message, the least first."""
LEVEL_AT_FIRST = "info"
"""In the old era, before a client has said what it wants."""
