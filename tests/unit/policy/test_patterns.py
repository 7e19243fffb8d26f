"""Patterns of names, package ids, paths and versions: what each fits, and what is refused."""

from __future__ import annotations

import pytest

from mpp.model.fields import Faults
from mpp.model.names import version_key
from mpp.stages.policy.limits import ARGUMENT_PATH_MAX, PATH_PARTS_MAX, VERSION_RANGE_MAX
from mpp.stages.policy.patterns import (
    NO,
    UNCLEAR,
    YES,
    Names,
    Packages,
    Paths,
    canonical_path,
    check_name,
    check_package,
    check_path,
    fold,
    forget,
    nfkc,
    package_keys,
    path_keys,
    read_range,
)

NAMES = [
    ("bot", "bot", True), ("bot", "bot-1", False), ("bot", "Bot", False), ("bot-*", "bot-1", True), ("bot-*", "bot-", True), ("bot-*", "bot", False),
    ("*-bot", "a-bot", True), ("*-bot", "bot", False), ("a*b", "ab", True), ("a*b", "axxb", True), ("a*b", "a", False), ("a*a", "a", False), ("a*a", "aa", True),
    ("*", "", True), ("*", "anything", True), ("", "", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "fits"), NAMES)
def test_a_star_stands_for_any_text(pattern: str, name: str, fits: bool) -> None:
    assert Names([pattern]).fits(name) is fits
    assert Names(["other", pattern]).fits(name) is fits
    assert not Names([]).fits(name)


PACKAGES = [
    ("com.example.mail", "com.example.mail", True), ("com.example.mail", "com.example.mail.pro", False), ("com.example.*", "com.example.mail", True),
    ("com.example.*", "com.example.mail.pro", True), ("com.example.*", "com.example", False), ("com.example.*", "com.examplefoo", False),
    ("com.example.*", "com.examplefoo.mail", False), ("com.example.*", "com.example-x.mail", False), ("com.*", "com.example.mail", True), ("com.*", "comx.example", False),
    ("*", "org.any.thing", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "package", "fits"), PACKAGES)
def test_a_prefix_ends_at_a_dot(pattern: str, package: str, fits: bool) -> None:
    assert Packages([pattern]).fits(package) is fits
    assert not Packages([]).fits(package)


def test_keys_of_a_package() -> None:
    assert package_keys("com.example.mail") == ["com.example.mail", "com.", "com.example."]
    assert package_keys("single") == ["single"]


def hints(check: object, text: str) -> list[str]:
    faults = Faults("policy")
    check(text, "/x", faults)  # type: ignore[operator]
    return [one.hint for one in faults.found]


@pytest.mark.parametrize("text", ["com.example.mail", "com.example.*", "com.*", "*", "a.b-c.d1", "a-b.*"])
def test_sound_package_patterns(text: str) -> None:
    assert hints(check_package, text) == []


@pytest.mark.parametrize(
    "text", ["", "com", "Com.example.*", "com.example*", "com.*.mail", "*.example", "com..*", ".*", "com.example.**", "com.example.*.*", "c\u043em.example.*"]
)
def test_wrong_package_patterns(text: str) -> None:
    assert hints(check_package, text) == ["write com.example.tool, com.example.* for all below com.example, or *"]


def test_one_star_is_enough() -> None:
    assert hints(check_name, "a*b") == []
    assert hints(check_name, "a*b*") == ["keep one '*', or write several patterns"]


@pytest.mark.parametrize("path", ["/", "/data", "/data/in.d", "${workspace}", "${workspace}/out", "/D\u00e4ten", "/a" * PATH_PARTS_MAX])
def test_sound_paths(path: str) -> None:
    assert hints(check_path, path) == []


WRONG_PATHS = [
    "", "data", "./data", "~/data", "$HOME/data", "${workspace}x", "${workspaces}/x", "/data/", "/data//in", "/data/./in", "/data/../etc", "/..", "//", "${workspace}/", "${workspace}/..",
    "/data/*", "/da?a", "/data\\in", "/[a]", "/data\tin", "/data\nin", "/a\u00a0b", "/a\u3000b", "/$x", "/" + "a" * 512, "/a" * (PATH_PARTS_MAX + 1), "/a\uff0fb", "/a\u2100",
]  # fmt: skip


@pytest.mark.parametrize("path", WRONG_PATHS, ids=[ascii(path[:30]) for path in WRONG_PATHS])
def test_wrong_paths(path: str) -> None:
    assert len(hints(check_path, path)) == 1


# Folder, path: lies it in the folder; without regard to capital letters; has it something in the folder?
BELOW = [
    ("/data", "/data", True, True, True), ("/data", "/data/in", True, True, True), ("/data", "/database", False, False, False), ("/data", "/Data/in", False, True, True),
    ("/data", "/", False, False, True), ("/data/in", "/data", False, False, True), ("/Data/In", "/data", False, False, True), ("/data", "/dat", False, False, False),
    ("/", "/data", True, True, True), ("${workspace}", "${workspace}/out", True, True, True), ("${workspace}/out", "${workspace}", False, False, True),
    ("/workspace", "${workspace}", False, False, False), ("/\uff44ata", "/data", False, True, True),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "path", "holds", "folded", "touches"), BELOW)
def test_what_lies_in_a_folder(folder: str, path: str, holds: bool, folded: bool, touches: bool) -> None:
    paths = Paths(["/zzz", folder])
    assert (paths.holds(path), paths.holds_folded(path), paths.touches(path)) == (holds, folded, touches)


def test_the_last_folder_in_order_is_looked_at_too() -> None:
    assert not Paths(["/a"]).touches("/b")
    assert Paths(["/a", "/b/c"]).touches("/b")


def test_keys_of_a_path() -> None:
    assert path_keys("/a/b/c") == ["/a/b/c", "/", "/a", "/a/b"]
    assert path_keys("/") == ["/", "/"]
    assert path_keys("${workspace}/a/b") == ["${workspace}/a/b", "${workspace}", "${workspace}/a"]
    deep = path_keys("/a" * 2000)
    assert len(deep) == PATH_PARTS_MAX + 3
    assert "/a" * PATH_PARTS_MAX in deep


@pytest.mark.parametrize("path", ["/", "/data", "/data/in x", "/d\u00e4", "/a*b"])
def test_paths_that_name_one_place(path: str) -> None:
    assert canonical_path(path)


@pytest.mark.parametrize("path", ["", "data", "/data/", "/data/..", "/./data", "//", "/a\0", "/a\\b", "~/x", "file:///x", "/" + "a" * ARGUMENT_PATH_MAX])
def test_paths_that_could_name_another(path: str) -> None:
    assert not canonical_path(path)


def test_one_way_to_write_a_letter() -> None:
    assert nfkc("e\u0301") == "\u00e9"
    assert nfkc("plain") == "plain"
    assert fold("\uff21\u00c9") == fold("a\u00e9")
    assert fold("ABC") == "abc"
    assert fold("stra\u00dfe") == fold("STRASSE")


def test_long_texts_are_kept_while_a_call_is_judged_and_no_longer() -> None:
    long = "e\u0301" * 500
    assert nfkc(long) is nfkc(long)
    assert fold(long) is fold(long)
    assert [nfkc(f"{i}{long}") for i in range(100)][99] == "99" + "\u00e9" * 500
    forget()
    forget()
    assert nfkc("\u00e9") == "\u00e9"


# Range, version, verdict.
RANGES = [
    ("=1.2.3", "1.2.3", YES), ("=1.2.3", "1.2.3+build", YES), ("=1.2.3", "1.2.4", NO), (">1.2.3", "1.2.3", NO), (">1.2.3", "1.2.4", YES), (">=1.2.3", "1.2.3", YES),
    (">=1.2.3", "1.2.2", NO), ("<2.0.0", "1.9.9", YES), ("<2.0.0", "2.0.0", NO), ("<=2.0.0", "2.0.0", YES), ("<=2.0.0", "2.0.1", NO), (">=1.2.0 <2.0.0", "1.10.0", YES),
    (">=1.2.0 <2.0.0", "2.0.0", NO), (">=1.2.0 <2.0.0", "1.1.9", NO), (">=2.0.0 <1.0.0", "1.5.0", NO),
    # A pre-release is below its release, and in a range without doubt only where the range names one.
    ("<2.0.0", "2.0.0-beta", UNCLEAR), (">=2.0.0", "2.0.0-beta", UNCLEAR), (">=1.0.0", "1.5.0-rc.1", UNCLEAR), ("<1.0.0", "2.0.0-beta", NO), ("=2.0.0", "2.0.0-beta", UNCLEAR),
    (">=2.0.0-alpha", "2.0.0-beta", YES), (">=2.0.0-alpha <2.0.0", "2.0.0-beta", YES), (">=2.0.0-rc", "2.0.0-beta", NO), ("=2.0.0-beta.2", "2.0.0-beta.2", YES),
    ("=2.0.0-beta.2", "2.0.0-beta.11", NO), (">=2.0.0-beta.2", "2.0.0-beta.11", YES),
]  # fmt: skip


@pytest.mark.parametrize(("text", "version", "verdict"), RANGES)
def test_versions_in_ranges(text: str, version: str, verdict: int) -> None:
    found, key = read_range(text, "/v", Faults("policy")), version_key(version)
    assert found is not None
    assert key is not None
    assert found.judge(key) == verdict


@pytest.mark.parametrize("text", ["", "1.2.3", "1.x", "*", ">=1.2", "> 1.2.3", ">=1.0.0  <2.0.0", ">=1.0.0 ", "^1.2.3", "~1.2.3", ">=1.0.0,<2.0.0", "=>1.0.0", "==1.0.0", ">=01.0.0", "=" + "1" * VERSION_RANGE_MAX])  # fmt: skip
def test_what_is_no_range(text: str) -> None:
    faults = Faults("policy")
    assert read_range(text, "/v", faults) is None
    assert [one.code for one in faults.found] == ["policy.version"]
