"""The commands of ``mpp registry``, a module each."""
