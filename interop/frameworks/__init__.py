"""One script for each agent framework, run with the interpreter of an environment of its own."""
