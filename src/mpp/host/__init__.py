"""The host: state, stores and the pipeline. Names only; modules are imported by name."""
