"""Each promise of the README names a test, a benchmark or a vector that is there, and its figures are those of the page that they name."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tools import picture

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"\[([^\]]+)\]\(([^)#]+)(#[^)]*)?\)")
EVIDENCE = ("tests/", "benchmarks/", "conformance/", "interop/")
FIGURE = re.compile(r"\d{4}-\d{2}-\d{2}|\d[\d,.]*(?: ?(?:µs|ms|kB|MB|%))?")


def claims() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## What it promises, and what shows it\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("- ")]


def name_of(claim: str) -> str:
    found = re.match(r"- \*\*(.+?)\*\*", claim)
    return found.group(1) if found else claim


def figures(text: str) -> list[str]:
    return [found.rstrip(".,") for found in FIGURE.findall(text)]


def holds(page: str, figure: str) -> bool:
    """Does the page say exactly this figure, not as a part of another one?"""
    return re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d]|[.,]\d)", page) is not None


def test_there_are_claims_and_each_is_a_sentence() -> None:
    found = claims()
    assert len(found) >= 10
    assert all(re.match(r"- \*\*.+?\*\*", line) for line in found)


@pytest.mark.parametrize("claim", claims(), ids=name_of)
def test_each_claim_names_what_shows_it(claim: str) -> None:
    targets = [target for _, target, _ in LINK.findall(claim)]
    shown = [target for target in targets if target.startswith(EVIDENCE)]
    assert shown, "no test, benchmark or vector"
    for target in targets:
        assert (ROOT / target).exists(), target
    for target in shown:
        path = ROOT / target
        if path.suffix == ".py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            assert any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in ast.walk(tree)), f"{target} tests nothing"
        elif path.is_dir():
            assert any(path.iterdir()), f"{target} is empty"


@pytest.mark.parametrize("claim", claims(), ids=name_of)
def test_each_figure_stands_in_a_link_to_a_page_that_says_it(claim: str) -> None:
    for text, target, _ in LINK.findall(claim):
        page = (ROOT / target).read_text(encoding="utf-8") if (ROOT / target).is_file() else ""
        for figure in figures(text):
            assert holds(page, figure), f"{target} does not say {figure}"
    assert not figures(LINK.sub("", claim)), "a figure without a source"


def test_the_look_for_figures_can_fail() -> None:
    assert figures("takes [46 ms] and 215 patterns since 2024-11-05.") == ["46 ms", "215", "2024-11-05"]
    assert holds("| clean | 46 ms | 266 x |", "46 ms")
    assert not holds("146 ms", "46 ms")
    assert not holds("2,215 patterns", "215")
    assert not holds("1.46 ms", "46 ms")


def test_other_figures_of_the_readme_are_those_of_their_pages() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"make a Python tool (\d+ kB) instead of (\d+ MB)", readme)
    assert found is not None
    page = (ROOT / "docs" / "how-to" / "first-tool-python.md").read_text(encoding="utf-8")
    assert all(holds(page, figure) for figure in found.groups())


def table(path: str, first: str) -> dict[str, list[str]]:
    """A table of a page, by the first cell of each row."""
    lines = (ROOT / path).read_text(encoding="utf-8").partition(first)[2].splitlines()
    rows: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith("|"):
            if rows:
                break
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[cells[0]] = cells[1:]
    return rows


def test_the_short_comparison_is_a_part_of_the_long_one() -> None:
    """The same ways beside one another, and where MPP has nothing to show, both say so."""
    short = table("README.md", "## Beside others\n")
    whole = table("docs/comparison.md", "# Beside others\n")
    assert [name for name in whole[""] if name in short[""]] == short[""]
    assert short[""][-1] == "MPP"
    assert "none yet" in short["public catalogue, users"][-1]
    assert "no public one yet" in whole["catalogue"][-1]
    assert whole["users"][-1] == "new"
    assert "Linux" in short["platforms"][-1]
    assert "Linux" in whole["platforms"][-1]
    assert short["native libraries, long-running servers"][-1].startswith("**no**")
    assert whole["native libraries, long-running servers"][-1].startswith("no")
    assert "## What was read" in (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")


# --- the picture


@pytest.mark.parametrize("scheme", list(picture.SCHEMES))
def test_the_picture_is_what_its_program_draws(scheme: str) -> None:
    path = ROOT / "docs" / "images" / f"pipeline-{scheme}.svg"
    text = path.read_text(encoding="utf-8")
    assert text == picture.picture(picture.SCHEMES[scheme]), "run: python -m tools.picture"
    drawing = ET.fromstring(text)
    names = {one.tag.rpartition("}")[2] for one in drawing.iter()}
    assert names <= {"svg", "title", "desc", "g", "path", "rect", "text", "tspan"}, "no script, no style, nothing from elsewhere"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(("scheme", "page"), [("light", "#ffffff"), ("dark", "#0d1117")])
def test_the_picture_can_be_read(scheme: str, page: str) -> None:
    """A contrast of 4.5 for each text on what it stands on."""
    colours = picture.SCHEMES[scheme]
    for text, ground in (
        (colours.text, colours.once), (colours.text, colours.each), (colours.quiet, colours.once), (colours.quiet, colours.each), (colours.quiet, page),
        (colours.bad, page), (colours.accent, page),
    ):  # fmt: skip
        light, dark = sorted((luminance(text), luminance(ground)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
