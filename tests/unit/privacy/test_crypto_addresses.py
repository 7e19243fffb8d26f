"""Addresses of cryptocurrencies, from the examples of their own documents."""

import pytest

from mpp.stages.privacy.detector import LIKELY, SURE
from mpp.stages.privacy.detectors.crypto_addresses import base58check, bech32, DETECTORS, TYPES
from tests.unit.privacy.probed import find, kinds

BTC = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
GOOD = (
    ("bitcoin_address", BTC),
    ("bitcoin_address", "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ"),
    ("bitcoin_address", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
    ("bitcoin_address", SEGWIT),
    ("bitcoin_address", SEGWIT.upper()),
    ("bitcoin_address", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"),
    ("ripple_address", "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"),
    ("tron_address", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
    ("dogecoin_address", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L"),
    ("ethereum_address", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"),
    ("ethereum_address", "0x" + "ab12" * 10),
    ("monero_address", "4" + "4" + "A" * 93),
)


@pytest.mark.parametrize(("kind", "address"), GOOD)
def test_an_address_needs_no_word(kind: str, address: str) -> None:
    assert find([address], DETECTORS) == [(kind, address, LIKELY if kind in {"ethereum_address", "monero_address"} else SURE)]
    assert kinds([f"pay to {address}, please"], DETECTORS) == {kind}
    assert kinds({"to": address}, DETECTORS) == {kind}


@pytest.mark.parametrize(
    "text",
    [
        BTC[:-1] + "b",
        "x" + BTC,
        BTC + "x",
        "1" + "z" * 33,
        SEGWIT[:-1] + "5",
        SEGWIT[:10] + SEGWIT[10:].upper(),
        "bc1" + "q" * 19,
        "0x" + "ab12" * 9,
        "0x" + "ab12" * 16,
        "4" + "4" + "A" * 60,
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "18fd4fdfc3734dda39a3ee5e6b4b",
        "DefaultConfigurationManagerFactory",
        "ThisIsTheLongNameOfSomeClassInCode",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert find([text], DETECTORS) == []


def test_a_wrong_checksum_counts_beside_its_word() -> None:
    assert kinds([f"Bitcoin address: {BTC[:-1]}b"], DETECTORS) == {"bitcoin_address"}
    assert kinds({"ethAddress": "ab12" * 10}, DETECTORS) == {"ethereum_address"}


def test_solana_has_no_checksum_and_needs_a_word() -> None:
    address = "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"
    assert kinds({"solana_wallet": address}, DETECTORS) == {"solana_address"}
    assert kinds([f"wallet address {address}"], DETECTORS) == {"solana_address"}
    assert find([address], DETECTORS) == []
    assert find(["the wallet address of the customer was changed by somebody"], DETECTORS) == []


def test_the_checksums() -> None:
    assert base58check(BTC, b"\x00")
    assert not base58check(BTC, b"\x05")
    assert not base58check("z" * 36, b"\x00")
    assert bech32("A12UEL5L")
    assert not bech32("a12UEL5L")


def test_types() -> None:
    assert {"litecoin_address", "cardano_address", "cosmos_address", *(kind for kind, _ in GOOD)} < set(TYPES)
