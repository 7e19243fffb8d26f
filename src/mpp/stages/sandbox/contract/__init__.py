"""What is said between host and tool in one call: the arguments, the request line, the reply. Spec: spec/call-contract.md.

**Takes** the bytes of arguments and of a tool's standard output, and the schemas of the manifest.
**Gives** `Arguments` with their hash, the request line, and a `ToolReply` or `ToolQuestion` whose every part was judged.
**Refuses** arguments (``call.*``) and replies (``tool.*``) that are not strict JSON, too large, or not what the schema says.
**Limits** are in ``limits.py``; the work of one validation is bounded before it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpp.model.door import door

if TYPE_CHECKING:
    from mpp.stages.sandbox.contract.arguments import Arguments, read_arguments, request_line
    from mpp.stages.sandbox.contract.content import Annotations, Content, EmbeddedResource, Labels, MediaContent, ResourceLink, TextContent
    from mpp.stages.sandbox.contract.limits import ARGUMENT_BYTES_MAX, LINE_BYTES_MAX, REPLY_BYTES_MAX
    from mpp.stages.sandbox.contract.questions import InputRequired, Question
    from mpp.stages.sandbox.contract.reply import ToolReply, ToolResult, read_reply, read_result
    from mpp.stages.sandbox.contract.schemacheck import SchemaCheck

__getattr__ = door(
    __name__,
    {
        "arguments": "Arguments read_arguments request_line",
        "content": "Annotations Content EmbeddedResource Labels MediaContent ResourceLink TextContent",
        "limits": "ARGUMENT_BYTES_MAX LINE_BYTES_MAX REPLY_BYTES_MAX",
        "questions": "InputRequired Question",
        "reply": "ToolReply ToolResult read_reply read_result",
        "schemacheck": "SchemaCheck",
    },
)

__all__ = (
    "ARGUMENT_BYTES_MAX",
    "LINE_BYTES_MAX",
    "REPLY_BYTES_MAX",
    "Annotations",
    "Arguments",
    "Content",
    "EmbeddedResource",
    "InputRequired",
    "Labels",
    "MediaContent",
    "Question",
    "ResourceLink",
    "SchemaCheck",
    "TextContent",
    "ToolReply",
    "ToolResult",
    "read_arguments",
    "read_reply",
    "read_result",
    "request_line",
)
