"""The commands of ``mpp legacy``, one module each."""
