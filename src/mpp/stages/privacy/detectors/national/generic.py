"""Numbers whose word does not say of which country they are."""

from __future__ import annotations

from mpp.stages.privacy.detectors.labelled import Kind

_FORM = r"(?=(?:[A-Z.\-/ ]{0,5}\d){5})(?:(?-i:[A-Z]{1,4})[ -]?)?\d(?:[.\-/ ]?\d|[.\-]?[A-Z]){3,16}"

KINDS = (
    Kind(
        type="tax_id",
        labels=(
            "tax id",
            "tax identification",
            "taxpayer id",
            "taxpayer identification",
            "tax identification number",
            "tax number",
            "steuernummer",
            "num\xe9ro fiscal",
            "n\xfamero fiscal",
            "numero fiscal",
            "identificador fiscal",
        ),
        faint=("tin",),
        form=_FORM,
    ),
    Kind(
        type="id_card",
        labels=(
            "national id",
            "national identification",
            "national identity",
            "identity number",
            "identity card",
            "identity document",
            "id card",
            "id number",
            "identification number",
            "personal id number",
            "citizen id",
            "personalausweis",
            "ausweisnummer",
            "carte d'identit\xe9",
            "carte nationale d'identit\xe9",
            "carta d'identit\xe0",
            "carta identita",
            "documento de identidad",
            "c\xe9dula de identidad",
            "c\xe9dula de ciudadan\xeda",
            "carteira de identidade",
            "identiteitskaart",
            "dow\xf3d osobisty",
            "dowod osobisty",
            "insurance id",
            "social security no",
        ),
        faint=("c\xe9dula", "cedula"),
        form=_FORM,
    ),
)
