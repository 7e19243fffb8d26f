"""Numbers of people in European countries outside of the Union, from their published formats."""

from __future__ import annotations

from mpp.stages.privacy.detectors.labelled import Kind
from mpp.stages.privacy.detectors.national import checks

_NINO = r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"

KINDS = (
    Kind(
        type="nino",
        where="United Kingdom",
        labels=("nino", "national insurance number", "national insurance no", "national insurance", "ni number", "ni no"),
        faint=("insurance number",),
        form=r"[A-Z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-D]",
        check=checks.nino,
        alone=rf"{_NINO}(?: \d{{2}} \d{{2}} \d{{2}} |\d{{6}})[A-D]",
        probes=("[A-Z]{2} [0-9]{2} [0-9]{2} [0-9]{2} [A-D][^0-9A-Za-z]", "[^0-9A-Za-z][A-Z]{2}[0-9]{6}[A-D][^0-9A-Za-z]"),
    ),
    Kind(
        type="nhs_number",
        where="United Kingdom",
        labels=("nhs number", "nhs no", "nhs id", "national health service number", "nhsnumber"),
        faint=("nhs", "patient id"),
        form=r"\d{10}|\d{3}[ -]\d{3}[ -]\d{4}",
        check=checks.nhs,
        size=10,
    ),
    Kind(
        type="fodselsnummer",
        where="Norway",
        labels=("f\xf8dselsnummer", "fodselsnummer", "foedselsnummer", "f\xf8dselsnr", "fnr", "norwegian national id", "d nummer"),
        faint=("personnummer", "national id", "ssn"),
        form=r"\d{6}[ -]?\d{5}",
        check=checks.fodselsnummer,
        size=11,
    ),
    Kind(
        type="ahv",
        where="Switzerland",
        labels=("ahv", "ahv nummer", "ahv nr", "ahvn13", "avs", "num\xe9ro avs", "numero avs", "oasi number", "sozialversicherungsnummer"),
        form=r"756\.?\d{4}\.?\d{4}\.?\d{2}|756 \d{4} \d{4} \d{2}",
        check=checks.ean13,
        alone=r"756\.\d{4}\.\d{4}\.\d{2}",
        probes=(r"756\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}",),
    ),
    Kind(
        type="kennitala",
        where="Iceland",
        labels=("kennitala", "icelandic id"),
        form=r"\d{6}-?\d{4}",
        check=checks.kennitala,
        size=10,
    ),
    Kind(
        type="tckn",
        where="Turkey",
        labels=("tckn", "tc kimlik", "t.c. kimlik no", "kimlik no", "kimlik numaras\u0131", "kimlik numarasi", "turkish id", "tc no"),
        faint=("national id", "identity number"),
        form=r"[1-9]\d{10}",
        check=checks.tckn,
    ),
    Kind(
        type="snils",
        where="Russia",
        labels=("snils", "\u0441\u043d\u0438\u043b\u0441"),
        form=r"\d{3}-\d{3}-\d{3}[ -]\d{2}|\d{11}",
        check=checks.snils,
        alone=r"\d{3}-\d{3}-\d{3} \d{2}",
        probes=("[0-9]{3}-[0-9]{3}-[0-9]{3} [0-9]{2}",),
        size=11,
    ),
    Kind(type="inn", where="Russia", labels=("\u0438\u043d\u043d", "inn number"), faint=("inn",), form=r"\d{12}", check=checks.inn, size=12),
)
