"""The commands of ``mpp replay``, a module each."""
