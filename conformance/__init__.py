"""Vectors and a suite that say whether any host executable, in any language, judges packages as spec/ does."""
