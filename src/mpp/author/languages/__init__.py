"""Languages that ``mpp init`` begins a project in and ``mpp build`` builds: one module each, found through the registry."""
