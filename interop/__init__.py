"""Real clients, written by others, against ``mpp serve``: see README.md. Run it with ``python -m tools.interop``."""
