"""A FastMCP server is read: its import changed, what it uses found, what will not work told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpp.author.migrating.draft import Identity
from mpp.author.migrating.source import migrate_source, Migrated
from mpp.author.migrating.source_project import entry_name, readme, write_project
from mpp.errors import Refused

HEAD = "from mcp.server.fastmcp import FastMCP\nmcp = FastMCP('x')\n"


def migrated(tmp_path: Path, text: str, name: str = "server.py") -> Migrated:
    (tmp_path / name).write_text(text)
    return migrate_source(str(tmp_path / name))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from mcp.server.fastmcp import FastMCP, Context", "from mpp_sdk.fastmcp import FastMCP, Context"),
        ("from fastmcp import FastMCP", "from mpp_sdk.fastmcp import FastMCP"),
        ("from mcp.server.mcpserver import MCPServer", "from mpp_sdk.fastmcp import MCPServer"),
        ("from mcp.types import TextContent", "from mpp_sdk.fastmcp import TextContent"),
        ("from mcp.server.fastmcp.prompts import base", "from mpp_sdk.fastmcp.prompts import base"),
        ("from mcp.server.fastmcp.utilities.types import Image", "from mpp_sdk.fastmcp import Image"),
        ("import fastmcp", "import mpp_sdk.fastmcp as fastmcp"),
        ("import mcp.server.fastmcp as m  # kept", "import mpp_sdk.fastmcp as m  # kept"),
    ],
)
def test_only_the_name_of_the_module_changes(before: str, after: str, tmp_path: Path) -> None:
    found = migrated(tmp_path, f'"""Text: {before}"""\n{before}\nx = 1\n')
    assert found.files["server.py"].decode() == f'"""Text: {before}"""\n{after}\nx = 1\n'
    assert [(one.where, one.before, one.after) for one in found.edits] == [("server.py:2", before, after)]
    assert found.reports == ()


def test_an_import_over_several_lines_changes_its_first(tmp_path: Path) -> None:
    found = migrated(tmp_path, "from mcp.server.fastmcp import (\n    FastMCP,\n    Icon,\n)\n")
    assert found.files["server.py"].startswith(b"from mpp_sdk.fastmcp import (\n    FastMCP,")
    assert [(one.where, one.message, one.will_fail) for one in found.reports] == [
        ("server.py:1", "Icon of mcp.server.fastmcp has no counterpart in a package", True)
    ]


@pytest.mark.parametrize(
    ("text", "where", "words", "will_fail"),
    [
        ("from mcp.server.lowlevel import Server", "server.py:3", "mcp.server.lowlevel, which has no counterpart", True),
        ("import mcp.server.stdio", "server.py:3", "mcp.server.stdio, which has no counterpart", True),
        ("import subprocess\ndef f():\n    subprocess.run(['x'])", "server.py:5", "calls subprocess.run", True),
        ("import threading\ndef f():\n    threading.Thread()", "server.py:5", "calls threading.Thread", True),
        ("import ctypes", "server.py:3", "imports ctypes", True),
        ("import numpy as np", "server.py:3", "imports numpy, which cannot come along", True),
        ("from PIL import Image", "server.py:3", "imports PIL, which cannot come along", True),
        ("import redis", "server.py:3", "imports redis, which cannot come along", True),
        ("import socket", "server.py:3", "imports socket", False),
        ("import smtplib", "server.py:3", "imports smtplib", True),
        ("KEPT = {}\ndef f(a):\n    KEPT[a] = 1", "server.py:5", "changes KEPT, which the module keeps", False),
        ("KEPT: list[int] = []\ndef f(a):\n    KEPT.append(a)", "server.py:5", "changes KEPT", False),
        ("COUNT = 0\ndef f():\n    global COUNT\n    COUNT += 1", "server.py:6", "changes COUNT", False),
        ("import os\nKEY = os.environ['API_KEY']", "server.py:4", "reads the variable API_KEY when the module is loaded", False),
        ("import os\nKEY = os.getenv('API_KEY', '')", "server.py:4", "reads the variable API_KEY", False),
        ("def f():\n    return input('?')", "server.py:4", "reads from the terminal", False),
        ("def f(host):\n    return f'https://{host}/x'", "server.py:4", "an address is put together", False),
        ("def f(name):\n    return f'https://api.{name}'", "server.py:4", "an address is put together", False),
        ("def f(path):\n    return open(path)", "server.py:4", "open takes a path that is not known", False),
        ("from pathlib import Path\nHOME = Path('~/x')", "server.py:4", "Path takes a path that is not known", False),
    ],
)
def test_what_will_not_work_is_told_with_its_line(text: str, where: str, words: str, will_fail: bool, tmp_path: Path) -> None:
    found = migrated(tmp_path, f"{HEAD}{text}\n")
    assert any(one.where == where and words in one.message and one.will_fail is will_fail and one.hint for one in found.reports), found.reports


@pytest.mark.parametrize(
    "text",
    [
        "LIST = [1]\ndef f():\n    LIST = []\n    LIST.append(1)",
        "LIST = [1]\ndef f(LIST):\n    LIST.append(1)",
        "import os\ndef f():\n    return os.environ['API_KEY']",
        "import os\nif __name__ == '__main__':\n    print(os.environ['X'])",
        "def f():\n    kept = {}\n    kept['a'] = 1\n    return kept",
    ],
)
def test_what_is_fine_is_not_told(text: str, tmp_path: Path) -> None:
    assert migrated(tmp_path, f"{HEAD}{text}\n").reports == ()


def test_hosts_files_and_variables_that_stand_in_the_source_are_drafted(tmp_path: Path) -> None:
    text = (
        HEAD
        + '"""Not this: https://docs.example.org/"""\n'
        + "import os\nfrom pathlib import Path\n"
        + "A = 'https://api.example.com/v1'\nB = f'https://b.example.com:8443/{A}'\nC = 'http://plain.example.com/'\nD = 'http://localhost:3000/x'\n"
        + "def f():\n    '''Nor https://that.example.org'''\n    os.environ.get('API_KEY')\n    os.getenv('PATH')\n"
        + "    open('/srv/data/in.csv')\n    open('out.txt', 'w')\n    open('/proc/self/maps')\n    Path(os.environ.get('PLACE', '/srv/data'))\n"
    )
    found = migrated(tmp_path, text)
    assert found.wanted.capabilities == {
        "network": ["api.example.com", "b.example.com:8443", {"host": "plain.example.com", "schemes": ["http"]}],
        "filesystem": {"read": ["/srv/data", "/srv/data/in.csv"], "write": ["${workspace}/out.txt"]},
        "env_vars": ["API_KEY", "PLACE"],
    }
    rows = {row.what: (row.drafted, row.evidence) for row in found.wanted.rows}
    assert rows["network api.example.com"] == (True, "it stands in server.py:6")
    assert "not drafted" in rows["network http://localhost:3000"][1]
    assert rows["variable PATH"][0] is rows["read /proc/self/maps"][0] is False
    assert "looks like a secret" in rows["variable API_KEY"][1]


def test_modules_beside_it_come_along_and_libraries_are_named(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("from .inner import deep\n")
    (tmp_path / "helpers" / "inner.py").write_text("from mcp.types import TextContent\nimport yaml\ndeep = 'https://deep.example.com'\n")
    (tmp_path / "tools.py").write_text("import requests\n")
    (tmp_path / "unused.py").write_text("import numpy\n")
    (tmp_path / "requirements.txt").write_text("requests>=2.31  # kept\nmcp\n-r other.txt\n")
    found = migrated(tmp_path, f"{HEAD}import tools\nfrom helpers import deep\nimport json, requests, pydantic\n")
    assert sorted(found.files) == ["helpers/__init__.py", "helpers/inner.py", "server.py", "tools.py"]
    assert found.requirements == ("pyyaml", "requests>=2.31")
    assert found.wanted.capabilities["network"] == ["deep.example.com"]
    assert [one.where for one in found.edits] == ["server.py:1", "helpers/inner.py:1"]


def test_a_link_out_of_the_folder_does_not_come_along(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("SECRET = 1\n")
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "linked.py").symlink_to(tmp_path / "outside.py")
    assert list(migrated(inside, f"{HEAD}import linked\n").files) == ["server.py"]


@pytest.mark.parametrize(("text", "code"), [("print('hi')\n", "usage.file"), ("def f(:\n", "project.compile"), ("x = '\0'\n", "project.compile")])
def test_what_is_no_server_is_refused(text: str, code: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        migrated(tmp_path, text)
    assert caught.value.code == code


def test_the_project_has_the_server_a_draft_and_a_list(tmp_path: Path) -> None:
    found = migrated(
        tmp_path,
        f"{HEAD}import os, yaml\nKEY = os.environ['API_KEY']\nimport subprocess\nsubprocess.run(['x'])\nA = 'https://api.example.com'\n",
        "my-server.py",
    )
    made = write_project(Identity(name="ported", package_id="org.ada.ported", publisher="Ada"), str(tmp_path), found)
    folder = Path(made.folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["package_id"], manifest["runtime"]["type"], manifest["runtime"]["entrypoint"]) == ("org.ada.ported", "python", "app/main.py")
    assert manifest["capabilities"]["network"] == ["api.example.com"]
    assert (folder / "app" / "main.py").read_bytes() == found.files["my-server.py"]
    assert (folder / "requirements.txt").read_text() == "pyyaml\n"
    assert not (folder / "tests" / "test_main.py").exists()
    text = (folder / "README.md").read_text()
    for part in (
        "`my-server.py:1`: `from mcp.server.fastmcp",
        "network api.example.com",
        "## Will not work",
        "subprocess.run",
        "## To look at",
        "API_KEY",
        "mpp build --lock",
    ):
        assert part in text, part
    assert readme(Identity(name="a", package_id="a.b", publisher="c"), migrated(tmp_path, HEAD)).count("##") == 2
    assert (entry_name("server.py"), entry_name("my-server.py")) == ("server.py", "main.py")
