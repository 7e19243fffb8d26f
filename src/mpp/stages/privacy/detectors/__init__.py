"""The built-in detectors, as tables and small looks. Each module gives a tuple ``DETECTORS``."""

from __future__ import annotations

from mpp.stages.privacy.detectors import contact, crypto_addresses, iban, national, network, numbers, personal, secrets, ssn

NATIONAL = national.DETECTORS
SECRETS = secrets.DETECTORS
BUILT_IN = (
    *contact.DETECTORS, *network.DETECTORS, *numbers.DETECTORS, *ssn.DETECTORS, *iban.DETECTORS, *personal.DETECTORS, *crypto_addresses.DETECTORS,
    *NATIONAL, *SECRETS,
)  # fmt: skip
OFF_BY_DEFAULT = frozenset(personal.OFF_BY_DEFAULT)

__all__ = ["BUILT_IN", "NATIONAL", "OFF_BY_DEFAULT", "SECRETS"]
