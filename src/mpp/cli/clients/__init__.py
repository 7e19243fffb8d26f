"""What ``mpp connect``, ``mpp protect`` and ``mpp import`` share."""
