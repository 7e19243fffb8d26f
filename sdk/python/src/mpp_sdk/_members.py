"""Which files of this SDK a package carries. The builder of ``mpp build`` reads it; a tool never does."""

CORE = (
    "__init__.py", "_clients.py", "_host.py", "_loop.py", "_reply.py", "_run.py", "_tools.py", "_types.py", "asking.py", "content.py", "context.py", "errors.py",
    "fields.py", "http.py", "kv.py", "log.py", "reporting.py", "secrets.py", "serving.py",
)  # fmt: skip
"""For every Python package."""

FASTMCP = (
    "fastmcp/__init__.py", "fastmcp/_addresses.py", "fastmcp/_content.py", "fastmcp/_context.py", "fastmcp/_tool.py", "fastmcp/prompts/__init__.py",
    "fastmcp/prompts/base.py", "pydantic/__init__.py", "pydantic/_errors.py", "pydantic/_fields.py", "pydantic/_model.py", "pydantic/_reading.py", "schemas.py",
)  # fmt: skip
"""Also, where a source imports mpp_sdk.fastmcp or pydantic."""

PYDANTIC_SHIM = (
    '"""The part of pydantic that tools use, in pure Python."""\n\nfrom mpp_sdk.pydantic import *\nfrom mpp_sdk.pydantic import __all__, __version__\n'
)
"""lib/pydantic/__init__.py of a package whose sources import pydantic."""
