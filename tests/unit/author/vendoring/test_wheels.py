"""What is taken out of a sound wheel; what is refused is tested with the attacks."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest

from mpp.author.vendoring.requirements import Pin
from mpp.author.vendoring import wheels
from mpp.author.vendoring.wheels import Unpacked, unpack, wheel_name
from mpp.errors import Refused


def unpacked(files: dict[str, str]) -> Unpacked:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.mkdir("lib")
        for name, content in files.items():
            archive.writestr(name, content)
    return unpack(out.getvalue(), Pin(name="lib", version="1.0", hashes=(sha256(out.getvalue()).hexdigest(),)))


def test_modules_data_and_metadata_are_taken() -> None:
    found = unpacked({
        "lib/__init__.py": "x", "lib/data.json": "{}", "lib/__pycache__/x.pyc": "", "lib/__init__.pyi": "", "lib/py.typed": "", "lib/fast.c": "",
        "lib-1.0.dist-info/METADATA": "Name: lib\nLicense-Expression: MIT\n\nLicense: other\n", "lib-1.0.dist-info/RECORD": "", "lib-1.0.dist-info/WHEEL": "",
        "lib-1.0.dist-info/licenses/LICENSE": "MIT", "lib-1.0.dist-info/entry_points.txt": "",
    })  # fmt: skip
    assert set(found.files) == {
        "lib/__init__.py", "lib/data.json", "lib-1.0.dist-info/METADATA", "lib-1.0.dist-info/licenses/LICENSE", "lib-1.0.dist-info/entry_points.txt",
    }  # fmt: skip
    assert (found.license, found.warnings) == ("MIT", ())


@pytest.mark.parametrize(
    ("metadata", "license_"), [("License: BSD\n", "BSD"), ("Name: x\n", ""), ("License: one\n  two\n", "one"), ("License: " + "x" * 300 + "\n", "x" * 100)]
)
def test_a_license_is_a_line(metadata: str, license_: str) -> None:
    assert unpacked({"lib-1.0.dist-info/METADATA": metadata}).license == license_


@pytest.mark.parametrize(("file", "pure"), [
    ("lib-1.0-py3-none-any.whl", True), ("a_b-1.0-py2.py3-none-any.whl", True), ("lib-1.0-1-py313-none-any.whl", True), ("lib-1.0-cp313-cp313-any.whl", False), ("lib-1.0-py2-none-any.whl", False),
    ("lib-1.0-py3-none-win32.whl", False),
])  # fmt: skip
def test_a_name_says_where_a_wheel_runs(file: str, pure: bool) -> None:
    found = wheel_name(file)
    assert found is not None
    assert found.is_pure is pure


@pytest.mark.parametrize("file", ["lib.whl", "lib-1.0.tar.gz", "lib-1.0-py3-none.whl", ""])
def test_other_files_are_no_wheels(file: str) -> None:
    assert wheel_name(file) is None


@pytest.mark.parametrize(("name", "code"), [
    ("lib/fast.so", "project.native"), ("evil.pth", "project.wheel"), ("../evil.py", "project.wheel"), ("lib/con.py", "project.wheel"),
])  # fmt: skip
def test_what_a_package_cannot_hold(name: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        unpacked({name: "x"})
    assert refusal.value.code == code


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "SOURCES_BYTES_MAX", 10)
    with pytest.raises(Refused, match="more than 10 bytes"):
        unpacked({"lib.py": "x" * 11})
    monkeypatch.setattr(wheels, "FILES_MAX", 1)
    with pytest.raises(Refused, match="more than 1 files"):
        unpacked({"lib.py": "", "more.py": ""})


def test_another_hash_and_no_zip() -> None:
    with pytest.raises(Refused, match=r"project\.lock"):
        unpack(b"x", Pin(name="lib", version="1.0", hashes=("0" * 64,)))
    with pytest.raises(Refused, match="no sound ZIP"):
        unpack(b"x", Pin(name="lib", version="1.0", hashes=(sha256(b"x").hexdigest(),)))


def test_links_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        item = zipfile.ZipInfo("link.py")
        item.external_attr = 0o120777 << 16
        archive.writestr(item, "/etc/passwd")
    with pytest.raises(Refused, match="is a link"):
        unpack(out.getvalue(), Pin(name="lib", version="1.0", hashes=(sha256(out.getvalue()).hexdigest(),)))


def test_programs_are_left_out_with_a_word() -> None:
    found = unpacked({"lib.py": "", "lib-1.0.data/scripts/lib": "", "lib-1.0.data/headers/lib.h": "", "lib-1.0.data/purelib/more.py": ""})
    assert set(found.files) == {"lib.py", "more.py"}
    assert len(found.warnings) == 1
