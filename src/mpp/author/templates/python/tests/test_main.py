"""The functions under @tool are plain functions, so a test calls them. It needs no sandbox."""

from main import greet


def test_a_person_is_greeted():
    assert greet("Ada") == {"greeting": "Hello, Ada!"}


def test_without_a_name_the_world_is_greeted():
    assert greet() == {"greeting": "Hello, World!"}
