"""Patterns before they are let in: what the jailed judge says, and what the host makes of it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from mpp.errors import HostFailed, Refused
from mpp.host.drive import drive
from mpp.host.patterns import judging, limits, process, trying
from mpp.host.patterns.cache import PatternCache
from mpp.host.patterns.judging import accepted_of, admit, judge_now
from mpp.host.patterns.process import GONE, LATE, Judge
from mpp.model.manifest import CustomPattern
from mpp.stages.privacy import Accepted, Prepared, prepare

pytest.importorskip("re2", reason="RE2 is not installed")
needs_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="this system has no jail")


def patterns(*regexes: str) -> list[CustomPattern]:
    return [CustomPattern(id=f"thing_{number}", regex=regex, description="") for number, regex in enumerate(regexes)]


GOOD = (r"EMP-[0-9]{5}", r"\bCUST\s?[0-9]{6}\b", r"^[A-Z]{2}[0-9]{7}$", "é{2}x[0-9]", r"(?:[a-z]{1,20}-){1,20}x9", "(a+)+b[0-9]")
BAD = [
    ("a*", "empty text"),
    (r"(x)\1", "portable"),
    (".", "writes"),
    (r"\w+", "writes"),
    (r"\[[A-Z_]+-[a-z]{8}\]", "writes"),
    ("a", "ordinary text"),
    ("[aeiou]{1,3}", "ordinary text"),
    (" [0-9a-f., ]", "ordinary text"),
    ("(?:[ab]{1,30}c?){1,40}d", "too large"),
    ("[ab]*a[ab]{200}c", "too"),
    ("#(?:[^?]*[?])?9?#", "slow"),
]


def test_good_patterns_are_let_in() -> None:
    found = judge_now(patterns(*GOOD), None)
    assert [one.message for one in found if isinstance(one, Refused)] == []
    assert [one.is_jailed for one in found if isinstance(one, Accepted)] == [sys.platform.startswith("linux")] * len(GOOD)


@pytest.mark.parametrize(("regex", "words"), BAD)
def test_bad_patterns_are_refused_with_a_reason(regex: str, words: str) -> None:
    first, found, last = judge_now(patterns("OK-[0-9]{9}", regex, "OK-[0-9]{8}"), None)
    assert isinstance(first, Accepted)
    assert isinstance(last, Accepted)
    assert isinstance(found, Refused)
    assert words in found.message
    assert (found.code, found.where) == ("privacy.pattern", "custom_patterns/1/regex")
    assert found.faults[0].hint


def test_one_bad_pattern_keeps_all_out() -> None:
    with pytest.raises(Refused) as fault:
        admit(patterns("OK-[0-9]{9}", ".", "a*"), None, "privacy/patterns")
    assert [one.where for one in fault.value.faults] == ["privacy/patterns/1/regex", "privacy/patterns/2/regex"]
    assert accepted_of(()) == ()


class Counted(Judge):
    made = 0

    def __init__(self, *, memory: int = limits.JUDGE_DATA_BYTES) -> None:
        type(self).made += 1
        super().__init__(memory=memory)


@pytest.fixture
def judges(monkeypatch: pytest.MonkeyPatch) -> type[Counted]:
    monkeypatch.setattr(Counted, "made", 0)
    monkeypatch.setattr(judging, "Judge", Counted)
    return Counted


@needs_linux
def test_a_verdict_is_kept(tmp_path: Path, judges: type[Counted]) -> None:
    cache = PatternCache(str(tmp_path))
    first = admit(patterns(*GOOD[:3]), cache)
    assert judges.made == 1
    assert admit(patterns(*GOOD[:3]), cache) == first
    assert judges.made == 1, "nothing is judged that was judged before"
    judge_now(patterns(".", "x9-[0-9]{4}"), cache)
    judge_now(patterns(".", "x9-[0-9]{4}"), cache)
    assert judges.made == 3, "a refusal is judged again"


def test_kept_verdicts_let_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PatternCache(str(tmp_path))
    wanted = admit(patterns(*GOOD[:3]), cache)
    monkeypatch.setattr(limits, "TURN_SECONDS", 0.0)
    before = {*os.listdir("/dev/fd")}
    steps = judging.judge(patterns(*GOOD[:3], "a*"), cache)
    rests = 0
    try:
        while True:
            assert next(steps).until <= time.monotonic()
            rests += 1
    except StopIteration as done:
        assert done.value[:3] == wanted
    assert rests == 4
    # Not equal: a thread of another test may end meanwhile.
    assert {*os.listdir("/dev/fd")} <= before


@needs_linux
def test_a_verdict_of_older_checks_does_not_count(tmp_path: Path, judges: type[Counted], monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PatternCache(str(tmp_path))
    admit(patterns("EMP-[0-9]{5}"), cache)
    monkeypatch.setattr(judging, "CHECKS", judging.CHECKS + 1)
    admit(patterns("EMP-[0-9]{5}"), cache)
    assert judges.made == 2


@needs_linux
def test_a_judge_that_is_late_is_killed(monkeypatch: pytest.MonkeyPatch, judges: type[Counted]) -> None:
    monkeypatch.setattr(limits, "JUDGE_SECONDS", 0.0)
    found = judge_now(patterns("EMP-[0-9]{5}", "EMQ-[0-9]{5}"), None)
    assert [one.message for one in found if isinstance(one, Refused)] == ["the pattern takes too long to judge"] * 2
    assert judges.made == 2


BUSY = "while True: pass\n"


@needs_linux
@pytest.mark.parametrize("does_read", [True, False])
def test_a_judge_that_computes_too_long_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does_read: bool) -> None:
    speaking(tmp_path, monkeypatch, READY + ("sys.stdin.readline()\n" if does_read else "") + BUSY)
    judge = Judge()
    try:
        drive(judge.ready())
        before = judge.spent()
        assert drive(judge.ask({"text": "x" * 500_000}, 0.1, time.monotonic() + 600)) == LATE
        assert judge.spent() - before >= 0.1
    finally:
        judge.close()


@needs_linux
def test_a_judge_that_others_keep_from_computing_is_not_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(tmp_path, monkeypatch, READY + 'sys.stdin.readline(); time.sleep(1); say(\'{"why": "", "probe": true}\\n\')')
    monkeypatch.setattr(limits, "JUDGE_SECONDS", 0.5)
    (found,) = judge_now(patterns("EMP-[0-9]{5}"), None)
    assert isinstance(found, Accepted)


@needs_linux
def test_all_patterns_together_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, judges: type[Counted]) -> None:
    """Attack: a list in which each pattern takes all the time it may."""
    speaking(tmp_path, monkeypatch, READY + "sys.stdin.readline()\n" + BUSY)
    monkeypatch.setattr(limits, "JUDGE_SECONDS", 0.1)
    monkeypatch.setattr(limits, "JUDGE_ALL_SECONDS", 0.15)
    found = judge_now(patterns("EMP-[0-9]{5}", "EMQ-[0-9]{5}", "EMR-[0-9]{5}"), None)
    assert [one.message for one in found if isinstance(one, Refused)] == ["the pattern takes too long to judge"] * 3
    assert 1 <= judges.made <= 2


@needs_linux
def test_where_the_kernel_does_not_say_what_it_computed_time_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_clock: int) -> float:
        raise OSError(22, "unknown")

    speaking(tmp_path, monkeypatch, READY + "time.sleep(600)")
    judge = Judge()
    try:
        drive(judge.ready())
        monkeypatch.setattr(process.time, "clock_gettime", unknown)
        assert drive(judge.ask({}, 0.1, time.monotonic() + 600)) == LATE
    finally:
        judge.close()


@needs_linux
@pytest.mark.parametrize("name", ["JUDGE_ALL_SECONDS", "JUDGE_WAIT_SECONDS"])
def test_a_long_list_has_an_end(monkeypatch: pytest.MonkeyPatch, judges: type[Counted], name: str) -> None:
    monkeypatch.setattr(limits, name, 0.0)
    found = judge_now(patterns("EMP-[0-9]{5}", "EMQ-[0-9]{5}"), None)
    assert all(isinstance(one, Refused) for one in found)
    assert judges.made == 0


@needs_linux
def test_a_judge_without_memory_ends() -> None:
    judge = Judge(memory=1 << 20)
    one = prepare(patterns("(?:[a-z]{1,200}-){1,9}x")[0], "w")
    assert isinstance(one, Prepared)
    try:
        # How much the interpreter still has when the limit comes depends on what it read before: it may not even start. Either way nothing is let in.
        try:
            drive(judge.ready())
            found = drive(judge.ask(judging._order(one)._asdict(), 60, time.monotonic() + 60))
        except HostFailed as fault:
            found = fault.code
        assert found in ("host.patterns", GONE, {"why": trying.SIZE, "probe": False})
    finally:
        judge.close()


def speaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    child = tmp_path / "child.py"
    child.write_text("import os, sys, time\ndef say(text): os.write(1, text.encode())\n" + program)
    monkeypatch.setattr(process, "_CHILD", str(child))


READY = "say('{\"ready\": true}\\n')\n"


@needs_linux
@pytest.mark.parametrize(
    "answer",
    [
        "sys.exit()",
        "say('nonsense\\n')",
        "say('[]\\n')",
        'say(\'{"why": "as I like", "probe": true}\\n\')',
        "say('x' * 300000)",
        "say('{}\\n')",
        "os.kill(os.getpid(), 9)",
    ],
)
def test_a_judge_that_lies_lets_nothing_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Attack: an expression that takes the process over. Its words let nothing in but by the two words that there are."""
    speaking(tmp_path, monkeypatch, READY + "sys.stdin.readline()\n" + answer)
    (found,) = judge_now(patterns("EMP-[0-9]{5}"), None)
    assert isinstance(found, Refused)
    assert "memory" in found.message


@needs_linux
@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("sys.exit()", "host.patterns"),
        ('say(\'{"fault": "no seccomp", "where": "seccomp"}\\n\')', "host.barrier"),
        ("say('{}\\n')", "host.barrier"),
        ("say('what\\n')", "host.patterns"),
    ],
)
def test_without_barriers_nothing_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, code: str) -> None:
    speaking(tmp_path, monkeypatch, program)
    with pytest.raises(HostFailed) as fault:
        judge_now(patterns("EMP-[0-9]{5}"), None)
    assert fault.value.code == code


@needs_linux
def test_a_judge_that_does_not_read_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speaking(tmp_path, monkeypatch, READY + "time.sleep(60)")
    judge = Judge()
    try:
        drive(judge.ready())
        assert drive(judge.ask({"text": "x" * 500_000}, 60, time.monotonic() + 0.2)) == LATE
    finally:
        judge.close()
    speaking(tmp_path, monkeypatch, READY + "os.close(0); time.sleep(600)")
    judge = Judge()
    try:
        drive(judge.ready())
        assert drive(judge.ask({"text": "x" * 500_000}, 60, time.monotonic() + 60)) == GONE
    finally:
        judge.close()


@needs_linux
def test_the_judge_is_behind_barriers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process as it stands, once it said that it is ready: the kernel's own words."""
    judge = Judge()
    try:
        drive(judge.ready())
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{judge._process.pid}/status").read_text().splitlines() if ":\t" in line)
        assert status["Seccomp"] == "2"
        assert status["NoNewPrivs"] == "1"
        assert status["CapEff"].strip("0") == ""
    finally:
        judge.close()
    assert not os.path.exists(f"/proc/{judge._process.pid}")


@pytest.mark.parametrize("regex", ["EMP-[0-9]{5}", "^q[0-9]{7}$", ".", " [0-9a-f., ]", "(?:[ab]{1,30}c?){1,40}d", "#(?:[^?]*[?])?9?#"])
def test_without_a_jail_the_same_is_checked_here(monkeypatch: pytest.MonkeyPatch, regex: str) -> None:
    (wanted,) = judge_now(patterns(regex), None)
    monkeypatch.setattr(judging.sys, "platform", "darwin")
    (found,) = judge_now(patterns(regex), None)
    if isinstance(wanted, Accepted):
        assert isinstance(found, Accepted)
        assert (found.digest, found.probe, found.is_jailed) == (wanted.digest, wanted.probe, False)
    else:
        assert isinstance(found, Refused)
        assert found.message == wanted.message


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_without_re2_nothing_is_let_in(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(judging.sys, "platform", platform)
    monkeypatch.setitem(sys.modules, "re2", None)
    monkeypatch.setattr(process.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HostFailed) as fault:
        judge_now(patterns("EMP-[0-9]{5}"), None)
    assert fault.value.code == "privacy.engine"


def test_a_pattern_for_which_hyperscan_is_slow_is_searched_for_by_re2() -> None:
    pace = trying.Pace(1e-30, 1e-30)
    order = trying.Order("ab", "ab", "ab", ["ab"], ["a"], [])
    assert not trying._has_probe(order, [b"ab" * 1000], pace)
    assert not trying._has_probe(order._replace(probe="("), [], pace)
    assert trying._has_probe(order, [b"ab" * 1000], trying.measure())


def test_what_matches_nothing_at_all_is_refused_by_the_engine_too() -> None:
    """The grammar refuses such an expression before; the engine is asked nevertheless."""
    assert trying.judge(trying.Order("a*", "a*", "a*", ["a"], ["a"], []), trying.measure()).why == trying.EMPTY


def test_without_hyperscan_the_probe_is_that_of_re2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hyperscan", None)
    assert trying._has_probe(trying.Order("ab", "ab", "ab", [], [], []), [], trying.Pace(1.0, 1.0))


def test_the_questions_fit_into_one_line() -> None:
    for regex in (r"\W" * 256, "[^é]" * 120, "é" * 512, "(?:\\W|\\D){30}x"):
        one = prepare(CustomPattern(id="x", regex=regex, description=""), "w")
        assert isinstance(one, Prepared), one
        assert len(json.dumps(judging._order(one)._asdict())) < limits.LINE_BYTES_MAX
