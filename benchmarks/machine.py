"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import ssl
import zlib
from datetime import UTC, datetime


def facts() -> dict[str, str]:
    model, flags = _processor()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "processor": f"{model}, {os.cpu_count()} cores",
        "SHA-256 instructions": "yes" if {"sha_ni", "sha2"} & flags else "no or unknown",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "OpenSSL": ssl.OPENSSL_VERSION,
    }


def _processor() -> tuple[str, set[str]]:
    """Model name and feature flags, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as stream:
            rows = [line.partition(":") for line in stream]
    except OSError:
        return platform.processor() or "unknown", set()
    found = {key.strip(): text.strip() for key, _, text in reversed(rows)}
    return found.get("model name", "unknown"), set(found.get("flags", found.get("Features", "")).split())
