"""The commands of ``mpp layer``, one module each."""
