"""Detectors of plug-ins: they are found, they filter, and a broken one stops the host instead of being silently missing."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mpp import Refused
from mpp.errors import HostFailed
from mpp.host import plugins
from mpp.host.filtering import Filters, Whose
from mpp.host.integration_privacy import PrivacyFilterEngine
from mpp.host.system import SystemClock, SystemRandom
from mpp.model.jsontext import Json
from mpp.model.manifest import PrivacyFilters
from mpp.stages.policy import NO_PRIVACY, CallPrivacy
from mpp.stages.privacy import Detector, Filtered, Hit, Place, Scanner, choose

NOTHING = PrivacyFilters(enabled=True, patterns=(), custom_patterns=())
EXAMPLE = Path(__file__).parents[3] / "examples" / "detectors" / "person-names"
Given = Callable[[], Any]


def desk(place: Place) -> Iterator[Hit]:
    at = place.text.index("DESK", place.at)
    yield Hit("desk", at, min(place.high, at + 7))


DESK = Detector(name="desk", types=("desk",), probes=("DESK[0-9]{3}",), look=desk)


class Plug(EntryPoint):
    """An entry point that needs no module."""

    def load(self) -> Any:
        return GIVEN[self.value]


GIVEN: dict[str, Any] = {}


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def install(*given: Any) -> None:
        rows = []
        for number, one in enumerate(given):
            GIVEN[f"fake{number}"] = one
            rows.append(Plug(name=f"plug{number}", value=f"fake{number}", group=plugins.GROUP))
        monkeypatch.setattr(plugins, "entry_points", lambda group: rows if group == plugins.GROUP else [])
        plugins.plugin_detectors.cache_clear()

    yield install
    plugins.plugin_detectors.cache_clear()
    GIVEN.clear()


@cache
def scanner(expressions: tuple[str, ...]) -> Scanner:
    """Compiled once for all tests with the same probes."""
    return choose(expressions, None)


def filters() -> Filters:
    return Filters(random=SystemRandom(), clock=SystemClock(), seconds=lambda: 0.0, build=scanner, admit=lambda _: ())


def shown(message: Json) -> Filtered:
    return filters().bind(CallPrivacy(rules=NO_PRIVACY), NOTHING, Whose(tenant="local", agent=""))(message)


def test_a_detector_of_a_plug_in_filters(plug: Callable[..., None]) -> None:
    plug(lambda: [DESK])
    found = shown({"note": "meet at DESK117, ada@example.com"})
    assert dict(found.report.counts) == {"desk": 1, "email": 1}
    assert "DESK117" not in str(found.message)
    assert plugins.plugin_types() == {"desk"}


def test_without_plug_ins_there_are_none(plug: Callable[..., None]) -> None:
    plug()
    assert plugins.plugin_detectors() == ()
    assert shown({"note": "meet at DESK117"}).message == {"note": "meet at DESK117"}


def test_plug_ins_are_loaded_once(plug: Callable[..., None]) -> None:
    calls: list[int] = []

    def give() -> list[Detector]:
        calls.append(1)
        return [DESK]

    plug(give)
    assert plugins.plugin_detectors() is plugins.plugin_detectors()
    assert calls == [1]


def test_a_type_of_a_plug_in_may_be_named(plug: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MPP_HOME", str(tmp_path))
    plug(lambda: [DESK])
    message, kinds = PrivacyFilterEngine.from_config(["desk"]).redact_json({"note": "DESK117"})
    assert kinds == ("desk",)
    assert message != {"note": "DESK117"}
    with pytest.raises(Refused, match="no pattern 'chair'"):
        PrivacyFilterEngine.from_config(["chair"])


def raising() -> list[Detector]:
    raise FileNotFoundError("names.txt")


def changed(**fields: Any) -> Given:
    made = {"name": "desk", "types": ("desk",), "probes": ("DESK[0-9]{3}",), "look": desk, **fields}
    return lambda: [Detector(**made)]


BROKEN: dict[str, Any] = {
    "raises": raising,
    "no function": 3,
    "nothing": lambda: None,
    "a text": lambda: "desk",
    "no detector": lambda: ["desk"],
    "too many": lambda: [DESK] * (plugins.DETECTORS_MAX + 1),
    "no types": changed(types=()),
    "types as a text": changed(types="desk"),
    "a type in capitals": changed(types=("DESK",)),
    "a group as type": changed(types=("api_key",)),
    "default as type": changed(types=("default",)),
    "no probes": changed(probes=()),
    "an empty probe": changed(probes=("",)),
    "a probe that is not ASCII": changed(probes=("büro",)),
    "no look": changed(look=None),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plug_in_stops_the_host(name: str, plug: Callable[..., None]) -> None:
    plug(lambda: [DESK], BROKEN[name])
    for _ in range(2):  # a failure is not remembered as an empty list
        with pytest.raises(HostFailed) as failed:
            filters().rules()
        assert failed.value.code == "privacy.plugin"
        assert "plug1" in failed.value.message
        assert failed.value.hint


def test_a_module_that_is_not_there_stops_the_host(plug: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    plug()
    gone = EntryPoint(name="gone", value="no_such_module_of_ours:detectors", group=plugins.GROUP)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [gone])
    with pytest.raises(HostFailed, match=r"gone.*ModuleNotFoundError"):
        plugins.plugin_detectors()


def test_too_many_plug_ins_stop_the_host(plug: Callable[..., None]) -> None:
    plug(*([lambda: [DESK]] * (plugins.PLUGINS_MAX + 1)))
    with pytest.raises(HostFailed, match="at most"):
        plugins.plugin_detectors()


def test_a_probe_that_no_engine_takes_is_blamed_on_the_plug_in(plug: Callable[..., None]) -> None:
    plug(changed(probes=("(?<=DESK)[0-9]{3}",)))
    with pytest.raises(HostFailed) as failed:
        filters().rules()
    assert failed.value.code == "privacy.plugin"


def test_a_machine_without_an_engine_is_not_blamed_on_a_plug_in(plug: Callable[..., None]) -> None:
    def none(_: tuple[str, ...]) -> Any:
        raise HostFailed("privacy.engine", "there is none", hint="install one")

    plug(lambda: [DESK])
    with pytest.raises(HostFailed) as failed:
        Filters(random=SystemRandom(), clock=SystemClock(), seconds=lambda: 0.0, build=none, admit=lambda _: ()).rules()
    assert failed.value.code == "privacy.engine"


def failing(place: Place) -> list[Hit]:
    raise RuntimeError(place.text)


LOOKS: dict[str, Any] = {
    "raises": failing,
    "raises late": lambda place: (Hit("desk", place.at, place.at + 7), 1 / 0),
    "is no list": lambda _: 3,
    "another type": lambda place: [Hit("email", place.at, place.at + 7)],
    "no hit": lambda _: ["desk"],
    "no number": lambda place: [Hit("desk", "a", place.at + 7)],  # type: ignore[arg-type]
    "no such sureness": lambda place: [Hit("desk", place.at, place.at + 7, 9)],
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_that_fails_withholds_the_message(name: str, plug: Callable[..., None]) -> None:
    plug(changed(look=LOOKS[name]))
    found = shown({"note": "meet at DESK117"})
    assert found.message is None
    assert found.report.withheld == "privacy.plugin"
    assert shown({"note": "nothing here"}).message == {"note": "nothing here"}


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    names = tmp_path / "names.txt"
    names.write_text("Ada Lovelace\nJürgen von Müller\nAnna Maria Ruiz\nAnna Maria\n\nÉmile Zola\n", encoding="utf-8")
    monkeypatch.setenv("MPP_PERSON_NAMES", str(names))
    spec = importlib.util.spec_from_file_location("mpp_person_names", EXAMPLE / "mpp_person_names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "mpp_person_names", module)
    spec.loader.exec_module(module)
    return module


NAMES = [
    ("call Ada Lovelace back", "call [] back"),
    ("ADA  LOVELACE", "[]"),
    ("Mr. jürgen von müller.", "Mr. []."),
    ("Anna Maria Ruiz and Anna Maria", "[] and []"),
    ("by Émile Zola", "by []"),
    ("Lovelace, Ada; Ada; Canada Lovelace", "Lovelace, Ada; Ada; Canada Lovelace"),
    ("Ada Lovelaces", "Ada Lovelaces"),
]


@pytest.mark.parametrize(("text", "wanted"), NAMES)
def test_the_example_finds_the_names_of_its_list(text: str, wanted: str, example: ModuleType, plug: Callable[..., None]) -> None:
    plug(example.detectors)
    found = shown({"note": text}).message
    assert isinstance(found, dict)
    note = found["note"]
    assert isinstance(note, str)
    assert re.sub(r"\[PERSON_NAME-[a-z]{8}\]", "[]", note) == wanted


def test_the_example_says_what_entry_point_it_is() -> None:
    import tomllib

    told = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))
    assert told["project"]["entry-points"] == {plugins.GROUP: {"person_names": "mpp_person_names:detectors"}}


@pytest.mark.parametrize("text", ["", "Ada\n", "a b c d e f g\n", f"Ada {'x' * 80}\n"])
def test_a_list_without_names_stops_the_host(text: str, example: ModuleType, plug: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text(text)
    plug(example.detectors)
    with pytest.raises(HostFailed, match="names of 2 to 6 words"):
        filters().rules()


def test_without_a_list_the_example_stops_the_host(example: ModuleType, plug: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MPP_PERSON_NAMES")
    plug(example.detectors)
    with pytest.raises(HostFailed, match="KeyError"):
        filters().rules()


def test_a_package_that_asks_for_a_pattern_of_an_absent_plug_in_is_refused(plug: Callable[..., None]) -> None:
    asking = PrivacyFilters(enabled=True, patterns=("email", "api_key", "desk"), custom_patterns=())
    whose = Whose(tenant="local", agent="")
    plug()
    with pytest.raises(Refused, match="'desk'") as refused:
        filters().bind(CallPrivacy(rules=NO_PRIVACY), asking, whose)
    assert refused.value.code == "privacy.pattern"
    plug(lambda: [DESK])
    assert filters().bind(CallPrivacy(rules=NO_PRIVACY), asking, whose)({"note": "DESK117"}).report.counts == (("desk", 1),)
