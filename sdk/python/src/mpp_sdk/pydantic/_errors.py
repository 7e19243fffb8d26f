"""What a model says of data that it does not take."""

from __future__ import annotations

from typing import Any


class ValidationError(ValueError):
    """Data that is not what a model wants: all faults at once."""

    def __init__(self, title: str, faults: list[dict[str, Any]]) -> None:
        super().__init__(title)
        self.title = title
        self._faults = faults

    def errors(self, **_options: Any) -> list[dict[str, Any]]:
        """Type, place (``loc``), words (``msg``) and value (``input``) of each fault."""
        return self._faults

    def error_count(self) -> int:
        return len(self._faults)

    def json(self, **_options: Any) -> str:
        import json  # noqa: PLC0415 - loaded long ago

        return json.dumps(self._faults, default=str)

    def __str__(self) -> str:
        count = len(self._faults)
        lines = [f"{count} validation error{'s' * (count != 1)} for {self.title}"]
        for fault in self._faults:
            value = fault["input"]
            lines.append(".".join(map(str, fault["loc"])))
            lines.append(f"  {fault['msg']} [type={fault['type']}, input_value={value!r}, input_type={type(value).__name__}]")
        return "\n".join(lines)


def fault(kind: str, place: tuple[Any, ...], message: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "loc": place, "msg": message, "input": value}
