"""Lets the tests import the tool, and the SDK as it comes with MPP where it is not installed by itself."""

import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "app"))

if importlib.util.find_spec("mpp_sdk") is None:
    from mpp.author.vendoring.sdk import sdk_folder

    sys.path.append(sdk_folder())
