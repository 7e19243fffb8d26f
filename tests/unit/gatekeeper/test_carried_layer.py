"""Check 7 on a package that carries its layer: the one that its manifest names, or none. Spec: 2-gatekeeper G-45."""

from __future__ import annotations

import pytest

from mpp.errors import Refused
from mpp.stages.archive import LAYER_NAME, pack
from mpp.stages.gatekeeper import judge_unsigned, verify
from mpp.testing import packages
from mpp.testing.keys import publisher
from tests import layered

BODY = layered.layer_body()
NAMED = layered.ref(BODY)


def refusal(data: bytes) -> Refused:
    with pytest.raises(Refused) as found:
        judge_unsigned(packages_archive(data))
    assert found.value.check == 7
    return found.value


def packages_archive(data: bytes):
    from mpp.stages.archive import read_archive

    return read_archive(data)


@pytest.mark.parametrize("carried", [BODY, layered.layer(), layered.layer(publisher("Somebody Else"))], ids=["unsigned", "signed", "signed by others"])
def test_the_named_layer_is_accepted_whoever_signed_it(carried: bytes) -> None:
    who = publisher()
    data = layered.tool(NAMED, extra={LAYER_NAME: carried}, by=who)
    package = verify(data, packages.trusting(who), packages.NOW)
    assert package.read(LAYER_NAME) == carried
    assert package.wasm is None


@pytest.mark.parametrize(
    ("carried", "words"),
    [
        (layered.layer(code=layered.sound()), "not the one"),
        (b"PK no archive", "no package"),
        (BODY[:-1], "no package"),
        (BODY + b"\0", "no package"),
    ],
)
def test_any_other_one_is_refused(carried: bytes, words: str) -> None:
    fault = refusal(layered.tool_body(NAMED, extra={LAYER_NAME: carried}))
    assert (fault.code, fault.where) == ("wasm.layer", f"member '{LAYER_NAME}'")
    assert words in fault.message


def test_a_package_that_names_no_layer_carries_none() -> None:
    fault = refusal(packages.unsigned(None, {LAYER_NAME: BODY}))
    assert fault.code == "wasm.layer"
    assert "carries a layer" in fault.message


def test_a_layer_carries_no_layer() -> None:
    files = packages.files(layered.LAYER_CHANGES, {"layer.wasm": layered.wasm(), LAYER_NAME: BODY})
    del files[packages.ENTRYPOINT]
    assert refusal(pack(files)).code == "wasm.layer"
