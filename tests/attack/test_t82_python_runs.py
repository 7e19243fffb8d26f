"""T82, what belongs to one run shows in another: variables, randomness and state of the moment at which the image was made, or of the call before.

On the real layer; skipped without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack.test_t80_hostile_python import ENTRY, files, found, indent, MEMORY, SECONDS
from tests.javascripted import Engine

DRAWS = """
import random, secrets, tempfile, uuid
AT_IMPORT = random.Random()
FIXED = random.Random(5)
SHUFFLED = random.random()
""" + indent(
    "return [random.random(), AT_IMPORT.random(), secrets.token_hex(8), str(uuid.uuid4()), next(tempfile._get_candidate_names()), os.urandom(8).hex()], FIXED.random(), SHUFFLED"
)


@pytest.fixture(scope="module")
def engine(python_layer: Path) -> Iterator[Engine]:
    made = Engine(python_layer)
    yield made
    made.close()


def test_every_source_of_randomness_is_the_runs(engine: Engine):
    with engine.tool(files(DRAWS), memory=MEMORY, entrypoint=ENTRY) as tool:
        one, two = (found(tool.line(b"{}\n", SECONDS)) for _ in range(2))
    assert isinstance(one, list)
    assert isinstance(two, list)
    assert not set(one[0]) & set(two[0])
    # What the tool's author seeded with a number stays what the number says.
    assert one[1] == two[1]


def test_variables_are_the_runs_and_gone_after_it(engine: Engine):
    with engine.tool(files(indent("return dict(os.environ), os.getenv('KEY')")), memory=MEMORY, entrypoint=ENTRY) as tool:
        assert found(tool.line(b"{}\n", SECONDS, ((b"KEY", b"one"),))) == [{"KEY": "one"}, "one"]
        assert found(tool.line(b"{}\n", SECONDS)) == [{}, None]


def test_a_variable_that_is_read_at_import_is_read_in_each_run(engine: Engine):
    """The image is then made without the tool, and each call imports it."""
    with engine.tool(files("KEY = os.getenv('KEY')\n" + indent("return KEY")), memory=MEMORY, entrypoint=ENTRY) as tool:
        assert found(tool.line(b"{}\n", SECONDS, ((b"KEY", b"one"),))) == "one"
        assert found(tool.line(b"{}\n", SECONDS, ((b"KEY", b"two"),))) == "two"


def test_nothing_that_a_call_keeps_is_there_in_the_next(engine: Engine):
    body = "KEPT = []\n" + indent("KEPT.append(1)\nsys.modules['secret'] = 1\nos.environ['A'] = 'b'\nreturn len(KEPT)")
    with engine.tool(files(body), memory=MEMORY, entrypoint=ENTRY) as tool:
        assert [found(tool.line(b"{}\n", SECONDS)) for _ in range(3)] == [1, 1, 1]


def test_the_package_is_there_to_read(engine: Engine):
    body = """
import importlib.resources, importlib.metadata, pkgutil, os.path
import thing, spaced.part
""" + indent(
        "return [importlib.resources.files('thing').joinpath('data/a.txt').read_text(), pkgutil.get_data('thing', 'data/a.txt').decode(), "
        "open(os.path.join(os.path.dirname(thing.__file__), 'data', 'a.txt')).read(), importlib.metadata.version('Thing'), thing.__file__, spaced.part.X, "
        "sorted(m.name for m in pkgutil.iter_modules(thing.__path__)), os.path.isdir('/package/lib/thing'), os.path.exists('/package/lib/none'), sys.path]"
    )
    more = {
        "lib/thing/__init__.py": b"", "lib/thing/sub.py": b"", "lib/thing/data/a.txt": "grün".encode(), "lib/spaced/part.py": b"X = 5\n",
        "lib/thing-1.2.dist-info/METADATA": b"Metadata-Version: 2.1\nName: thing\nVersion: 1.2\n",
    }  # fmt: skip
    with engine.tool({**files(body), **more}, memory=MEMORY, entrypoint=ENTRY) as tool:
        assert found(tool.line(b"{}\n", SECONDS)) == [
            "grün", "grün", "grün", "1.2", "/package/lib/thing/__init__.py", 5, ["sub"], True, False, ["/package/app", "/package/lib"],
        ]  # fmt: skip


def test_hash_tables_follow_the_seed_of_the_bundle(engine: Engine):
    with engine.tool(files(indent("return hash('a')")), memory=MEMORY, entrypoint=ENTRY) as tool:
        assert len({json.dumps(found(tool.line(b"{}\n", SECONDS))) for _ in range(2)}) == 1


def test_a_quiet_tool_leaves_standard_error_empty(engine: Engine):
    with engine.tool(files(indent("return 1")), memory=MEMORY, entrypoint=ENTRY) as tool:
        assert tool.line(b"{}\n", SECONDS).stderr == b""
