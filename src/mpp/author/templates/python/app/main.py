"""The tool. Each function under @tool becomes one: its type hints and docstring are what a model reads.

The level says what a wrong call could do. From medium on a person is asked before each call, unless a policy knows better.
"""

from typing import Annotated, TypedDict

from mpp_sdk import Length, tool


class Greeting(TypedDict):
    greeting: Annotated[str, 'The greeting, for example "Hello, Ada!"']


@tool(security_level="low")
def greet(name: Annotated[str, 'Who is greeted; "World" when left out', Length(1, 200)] = "World") -> Greeting:
    """Say hello to a person, or to the world when no name is given."""
    return {"greeting": f"Hello, {name}!"}
