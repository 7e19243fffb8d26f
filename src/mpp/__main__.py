"""``python -m mpp`` is the command ``mpp``."""

from mpp.cli import main

if __name__ == "__main__":
    main()
