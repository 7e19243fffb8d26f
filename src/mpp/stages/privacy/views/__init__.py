"""Other readings of a message, in which hidden values are plain, with the way back to what is written.

A detector knows a value as it is usually written. Here a text is made usual: encodings are undone, odd characters
replaced, and what is spread over several texts is put together. Each reading is searched as the message itself is.
"""

from mpp.stages.privacy.views.decode import CONFIRMING, derive, further, PROBES, readings
from mpp.stages.privacy.views.joined import joined, JoinedView
from mpp.stages.privacy.views.normal import normal_places, normalise
from mpp.stages.privacy.views.parts import PART_KEYS
from mpp.stages.privacy.views.region import block_end
from mpp.stages.privacy.views.view import Spent, View

__all__ = [
    "CONFIRMING",
    "PART_KEYS",
    "PROBES",
    "JoinedView",
    "Spent",
    "View",
    "block_end",
    "derive",
    "further",
    "joined",
    "normal_places",
    "normalise",
    "readings",
]
