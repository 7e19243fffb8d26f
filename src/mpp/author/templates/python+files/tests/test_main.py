"""A tool that reads files is tested with files."""

import main
from mpp_sdk.testing import Bench


def test_a_word_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(main, "WORKSPACE", str(tmp_path))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("one\nTwo apples\n", encoding="utf-8")
    (tmp_path / "b.bin").write_bytes(b"apples")
    with Bench() as bench:
        found = bench.call(main.search, word="apple").structured
    assert found == {"hits": [{"file": "notes/a.md", "line": 2, "text": "Two apples"}]}


def test_a_folder_that_is_not_there(monkeypatch):
    monkeypatch.setattr(main, "WORKSPACE", "/nowhere")
    with Bench() as bench:
        assert bench.call(main.search, word="x").is_error
