"""Stage 6, privacy: nothing private leaves by accident. One pure function over a whole message, in both directions.

Takes: a judged ``ToolReply`` or its failure, with standard error; messages while a tool runs; arguments and requests on their way out.
Gives: ``Clean``, the only form in which anything of a tool is shown, and a ``Report`` for the record.
Refuses: ``privacy.*``: what is over a limit, out of time, blocked by policy, or shows something new after it was cleaned is withheld; a host without an engine runs nothing.
Limits: limits.py, and those of views, guard and patterns beside them.

Spec: spec/6-privacy.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.privacy.arena import Arena, gather
    from mpp.stages.privacy.catalog import GROUPS, OFF_BY_DEFAULT, built_in, expand, group_of, known_types, words_for
    from mpp.stages.privacy.custom import Accepted, Prepared, accepted, custom_detectors, hostile_to, prepare, refusal
    from mpp.stages.privacy.detector import Detector, Hit, Place
    from mpp.stages.privacy.engine import choose
    from mpp.stages.privacy.explaining import explain_message
    from mpp.stages.privacy.filter import Filter
    from mpp.stages.privacy.jsonbytes import read_message, write_message
    from mpp.stages.privacy.limits import MESSAGE_BYTES_MAX
    from mpp.stages.privacy.live import FilteredLive
    from mpp.stages.privacy.outgoing import Leak, Outgoing, outgoing_arguments
    from mpp.stages.privacy.outgoing_http import Leaving, LeavingJudged, outgoing_request
    from mpp.stages.privacy.placeholders import PLACEHOLDER, Pseudonyms
    from mpp.stages.privacy.reply import Clean, Pass, clean_run
    from mpp.stages.privacy.reveal import has_placeholder, Hiding, Plain, reveal_arguments, Revealed
    from mpp.stages.privacy.ports import Kept, Scanner
    from mpp.stages.privacy.search import Rules
    from mpp.stages.privacy.types import UNFILTERED, Filtered, Found, Report, together, with_leaks
    from mpp.stages.privacy.widen import widened

__getattr__ = door(
    __name__,
    {
        "arena": "Arena gather",
        "catalog": "GROUPS OFF_BY_DEFAULT built_in expand group_of known_types words_for",
        "custom": "Accepted Prepared accepted custom_detectors hostile_to prepare refusal",
        "detector": "Detector Hit Place",
        "engine": "choose",
        "explaining": "explain_message",
        "filter": "Filter",
        "jsonbytes": "read_message write_message",
        "limits": "MESSAGE_BYTES_MAX",
        "live": "FilteredLive",
        "outgoing": "Leak Outgoing outgoing_arguments",
        "outgoing_http": "Leaving LeavingJudged outgoing_request",
        "placeholders": "PLACEHOLDER Pseudonyms",
        "reply": "Clean Pass clean_run",
        "reveal": "has_placeholder Hiding Plain reveal_arguments Revealed",
        "ports": "Kept Scanner",
        "search": "Rules",
        "types": "UNFILTERED Filtered Found Report together with_leaks",
        "widen": "widened",
    },
)

__all__ = (
    "GROUPS",
    "MESSAGE_BYTES_MAX",
    "OFF_BY_DEFAULT",
    "PLACEHOLDER",
    "UNFILTERED",
    "Accepted",
    "Arena",
    "Clean",
    "Detector",
    "Filter",
    "Filtered",
    "FilteredLive",
    "Found",
    "Hiding",
    "Hit",
    "Kept",
    "Leak",
    "Leaving",
    "LeavingJudged",
    "Outgoing",
    "Pass",
    "Place",
    "Plain",
    "Prepared",
    "Pseudonyms",
    "Report",
    "Revealed",
    "Rules",
    "Scanner",
    "accepted",
    "built_in",
    "choose",
    "clean_run",
    "custom_detectors",
    "expand",
    "explain_message",
    "gather",
    "group_of",
    "has_placeholder",
    "hostile_to",
    "known_types",
    "outgoing_arguments",
    "outgoing_request",
    "prepare",
    "read_message",
    "refusal",
    "reveal_arguments",
    "together",
    "widened",
    "with_leaks",
    "words_for",
    "write_message",
)
