"""The console: a local web page over one home, for the person who answers for it. Nothing is imported here; it needs starlette and jinja2."""
