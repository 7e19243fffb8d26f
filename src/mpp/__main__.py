"""``python -m mpp`` is the command ``mpp``."""

import os
import sys


def leave_current_folder(path: list[str]) -> None:
    """Take the current folder off the front of the import path.

    Attack: Python puts it there, so in a project from elsewhere a ``click.py`` of that project would run.
    """
    try:
        here = os.getcwd()
    except OSError:  # it is gone, so nothing can be imported from it
        here = ""
    if path and path[0] in ("", here):
        del path[0]


if __name__ == "__main__":
    leave_current_folder(sys.path)
    from mpp.cli import main

    main()
