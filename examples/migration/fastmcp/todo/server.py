"""Plans a list of things to do, with models."""

from datetime import date
from enum import Enum

from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel, ConfigDict, Field, field_validator

mcp = FastMCP("todo")


class Priority(str, Enum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Step(BaseModel):
    text: str = Field(description="What is to be done", min_length=1)
    minutes: int = Field(default=15, ge=1, le=480, description="How long it takes")


class Todo(BaseModel):
    """One thing to do."""

    model_config = ConfigDict(extra="forbid")

    title: str = Field(description="A short title", max_length=80)
    priority: Priority = Priority.NORMAL
    due: date | None = None
    steps: list[Step] = Field(default_factory=list)

    @field_validator("title")
    @classmethod
    def has_words(cls, value: str) -> str:
        value = value.strip()
        if not value:
            raise ValueError("a title has words")
        return value

    @property
    def minutes(self) -> int:
        return sum(step.minutes for step in self.steps)


class Plan(BaseModel):
    """What to do, in order."""

    order: list[str]
    minutes: int
    overdue: list[Todo]


@mcp.tool()
def make_plan(todos: list[Todo], today: date) -> Plan:
    """Put things to do in order: by day, then by priority."""
    weights = {Priority.HIGH: 0, Priority.NORMAL: 1, Priority.LOW: 2}
    ordered = sorted(todos, key=lambda todo: (todo.due or date.max, weights[todo.priority], todo.title))
    overdue = [todo for todo in ordered if todo.due is not None and todo.due < today]
    return Plan(order=[todo.title for todo in ordered], minutes=sum(todo.minutes for todo in todos), overdue=overdue)


@mcp.tool()
def describe_todo(todo: Todo) -> str:
    """A sentence about one thing to do."""
    day = f" until {todo.due:%d.%m.%Y}" if todo.due else ""
    return f"{todo.title} ({todo.priority.value}){day}: {len(todo.steps)} steps, {todo.minutes} minutes"


@mcp.tool()
def split(todo: Todo, minutes: int = Field(default=30, ge=5, le=240, description="Longest part")) -> list[Todo]:
    """Split a thing to do into parts that are not too long."""
    parts: list[Todo] = []
    for step in todo.steps:
        if not parts or parts[-1].minutes + step.minutes > minutes:
            parts.append(todo.model_copy(update={"title": f"{todo.title} {len(parts) + 1}", "steps": []}))
        parts[-1].steps.append(step)
    return parts


if __name__ == "__main__":
    mcp.run()
