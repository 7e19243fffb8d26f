"""The commands of ``mpp migrate``, a module each."""
