"""A registry of signed packages: it stores them, says what happened to them in a log that only grows, and proves what it says."""

__version__ = "0.1.0"
