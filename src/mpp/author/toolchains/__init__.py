"""Compilers that ``mpp build`` uses: which there are, where they are, how they get there."""
