"""What ``Annotated`` may say of a parameter beside its type: ``Annotated[int, Description("How many"), Range(1, 10)]``.

The host checks it before the tool runs; nothing of it costs time in the tool.
"""

from __future__ import annotations

from typing import Any


class Constraint:
    """Words and limits of a schema."""

    __slots__ = ("keywords",)

    def __init__(self, keywords: dict[str, Any]) -> None:
        self.keywords = {key: value for key, value in keywords.items() if value is not None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.keywords!r})"


class Description(Constraint):
    """What a parameter means."""

    __slots__ = ()

    def __init__(self, text: str) -> None:
        super().__init__({"description": text})


class Examples(Constraint):
    """Values that a caller might give."""

    __slots__ = ()

    def __init__(self, *values: Any) -> None:
        super().__init__({"examples": list(values)})


class Range(Constraint):
    """Limits of a number, themselves allowed; with ``above`` and ``below``, themselves not."""

    __slots__ = ()

    def __init__(
        self, least: float | None = None, most: float | None = None, *, above: float | None = None, below: float | None = None, multiple_of: float | None = None
    ) -> None:
        super().__init__({"minimum": least, "maximum": most, "exclusiveMinimum": above, "exclusiveMaximum": below, "multipleOf": multiple_of})


class Length(Constraint):
    """Limits of the length of a text, or of the number of items of a list."""

    __slots__ = ("least", "most")

    def __init__(self, least: int | None = None, most: int | None = None) -> None:
        super().__init__({})
        self.least, self.most = least, most


class Pattern(Constraint):
    """A portable regular expression that a text holds; manifest.md section 7 has the grammar."""

    __slots__ = ()

    def __init__(self, expression: str) -> None:
        super().__init__({"pattern": expression})
