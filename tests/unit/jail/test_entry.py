"""The order of the steps, and what a step that fails leads to. Nothing reaches the kernel; test_inside is the other half."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from mpp.errors import HostFailed
from mpp.jail import entry as subject
from mpp.jail import profiles
from mpp.jail.entry import Plan
from mpp.jail.landlock import Rule
from mpp.jail.process import Limits

LIMITS = Limits(data=1, files=2)
COMPUTE = Plan(profiles.PROFILE_COMPUTE, LIMITS)
FILES = Plan(profiles.PROFILE_FILES, LIMITS, needs_files=True)
STEPS = ("is_alone", "close_all_but", "volunteer", "isolate", "empty_root", "drop_capabilities", "limit", "no_new_privileges", "hide", "end_with")
ORDER = [
    "is_alone",
    "close_all_but",
    "volunteer",
    "prepare",
    "isolate",
    "empty_root",
    "drop_capabilities",
    "limit",
    "no_new_privileges",
    "hide",
    "end_with",
    "take_up",
    "install",
]
NAMES = {
    "close_all_but": "closed descriptors", "volunteer": "first to go", "isolate": "own network", "empty_root": "empty root", "drop_capabilities": "no capabilities",
    "limit": "limits", "no_new_privileges": "no new privileges", "hide": "not dumpable", "end_with": "ends with its parent", "prepare": "landlock", "take_up": "landlock",
    "install": "seccomp",
}  # fmt: skip
OPTIONAL = {"volunteer", "isolate", "empty_root"}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done, in order. A name put in with a minus before it fails when its turn comes."""
    done: list[str] = []

    def noted(name: str) -> Callable[..., object]:
        def step(*_: object, **__: object) -> object:
            done.append(name)
            if f"-{name}" in done:
                raise OSError(errno.EPERM, "made to fail")
            return True if name == "is_alone" else 7 if name == "prepare" else "somehow"

        return step

    for name in STEPS:
        monkeypatch.setattr(subject.process, name, noted(name))
    for name in ("prepare", "take_up"):
        monkeypatch.setattr(subject.landlock, name, noted(name))
    monkeypatch.setattr(subject.landlock, "version", lambda: 7)
    monkeypatch.setattr(subject.seccomp, "install", noted("install"))
    monkeypatch.setattr(subject.os, "umask", lambda _: 0)
    return done


def test_all_barriers_go_up_in_order(steps: list[str]) -> None:
    entered = subject.enter(COMPUTE, keep=(3,), parent=1)
    assert steps == ORDER
    assert all(one.holds for one in entered.barriers)
    assert set(entered.shown().values()) == {"holds"}
    assert [one.name for one in entered.barriers][-2:] == ["landlock", "seccomp"]


def test_what_is_not_asked_for_is_left_out(steps: list[str]) -> None:
    entered = subject.enter(COMPUTE._replace(own_network=False, own_root=False))
    assert not {"isolate", "empty_root", "end_with"} & set(steps)
    for name in ("own network", "empty root", "ends with its parent"):
        assert not entered.holds(name)
        assert entered.shown()[name] == "not asked for"
    assert not entered.holds("absent")


@pytest.mark.parametrize("plan", [COMPUTE, FILES], ids=["compute", "files"])
@pytest.mark.parametrize("step", NAMES)
def test_a_required_step_that_fails_ends_the_attempt(steps: list[str], step: str, plan: Plan) -> None:
    steps.append(f"-{step}")
    if step in OPTIONAL or (step in {"prepare", "take_up"} and plan is COMPUTE):
        entered = subject.enter(plan, parent=1)
        assert [one.name for one in entered.barriers if not one.holds] == [NAMES[step]]
        assert entered.shown()[NAMES[step]] == "made to fail"
        assert steps[-1] == "install"
    else:
        with pytest.raises(HostFailed, match="made to fail") as found:
            subject.enter(plan, parent=1)
        assert (found.value.code, found.value.where) == ("host.barrier", NAMES[step])
        assert steps[-1] == step


def test_a_second_thread_ends_the_attempt(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject.process, "is_alone", lambda: False)
    with pytest.raises(HostFailed, match="other threads"):
        subject.enter(COMPUTE)
    assert steps == []


def test_no_landlock(steps: list[str]) -> None:
    entered = subject.enter(COMPUTE._replace(landlock_version=0))
    assert entered.shown()["landlock"] == "the kernel has no Landlock"
    assert "prepare" not in steps
    assert "take_up" not in steps
    with pytest.raises(HostFailed, match="no Landlock"):
        subject.enter(FILES._replace(landlock_version=0))


def test_an_error_without_words(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(subject.process, "isolate", fail)
    monkeypatch.setattr(subject.landlock, "prepare", fail)
    entered = subject.enter(COMPUTE)
    assert entered.shown()["own network"] == entered.shown()["landlock"] == "the kernel refused"


def test_rules_and_version_reach_landlock(steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(subject.landlock, "prepare", lambda rules, *, abi: seen.append((rules, abi)) or 7)
    subject.enter(FILES._replace(landlock_version=3), rules=(Rule(5),))
    assert seen == [((Rule(5),), 3)]


@pytest.mark.parametrize(
    ("has_files", "is_component", "profile"),
    [(False, False, profiles.PROFILE_COMPUTE), (True, False, profiles.PROFILE_FILES), (False, True, profiles.PROFILE_COMPONENT)],
)
def test_plans_of_workers(has_files: bool, is_component: bool, profile: profiles.Profile) -> None:
    plan = subject.worker_plan(data_bytes=5, files=6, file_bytes=7, has_files=has_files, is_component=is_component)
    assert (plan.profile, plan.needs_files) == (profile, has_files)
    assert plan.limits == Limits(data=5, files=6, file_bytes=7)


def test_plans_of_compilers() -> None:
    assert subject.COMPILE_PLAN.profile is profiles.PROFILE_COMPILE
    assert subject.compile_plan(data_bytes=5, cpu_seconds=6).limits[0] == 5
    assert subject.compile_plan(data_bytes=5, cpu_seconds=6).limits.cpu == 6
