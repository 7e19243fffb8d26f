"""Words that say how much a name matters: of data, of settings that are keys in truth, of places where keys lie.

They are a help for people and no wall: a publisher who wants to hide a meaning takes another name. So nothing is ever granted because
a word is absent here; a word that is there can only raise a score. Spec: spec/3-policy.md section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

STRONG_KINDS: dict[str, tuple[str, ...]] = {
    "payment data": (
        "account_number", "bank", "bank_account", "bic", "card_holder", "card_number", "cardholder", "creditcard", "credit_card", "cvc", "cvv", "debit_card",
        "iban", "pan", "payment", "payment_method", "routing_number", "sort_code", "swift",
    ),
    "identity papers": (
        "aadhaar", "driver_license", "driving_licence", "fiscal_code", "id_card", "identity_card", "national_id", "nino", "passport", "social_security", "ssn",
        "steuer_id", "tax_id", "tin", "us_ssn",
    ),
    "health data": ("diagnosis", "diagnoses", "disease", "icd", "insurance_number", "medical", "medical_record", "medication", "mrn", "patient", "prescription"),
    "pay and employment": ("compensation", "payroll", "payslip", "salaries", "salary", "wage"),
    "passwords and keys": (
        "access_token", "api_key", "apikey", "credential", "mfa", "otp", "passcode", "passphrase", "passwd", "password", "pin_code", "private_key", "pwd",
        "refresh_token", "secret",
    ),
    "protected traits": ("biometric", "criminal_record", "ethnicity", "fingerprint", "gender_identity", "genetic", "religion", "sexual_orientation", "trade_union"),
}  # fmt: skip
"""Kinds of data whose loss cannot be made good, and the names under which they go."""

PERSONAL = frozenset((
    "address", "birth", "birthday", "birthdate", "customer", "date_of_birth", "dob", "email", "employee", "first_name", "full_name", "geolocation", "ip_address",
    "last_name", "license_plate", "mail", "mobile", "phone", "postcode", "street", "surname", "telephone", "user_name", "username", "zip_code",
))  # fmt: skip
"""Names of data about people, of the kind that most business data holds."""

KEY_NAMES = frozenset((
    "apikey", "auth", "bearer", "cert", "connection_string", "cookie", "credential", "credentials", "database_url", "db_url", "dsn", "jwt", "key",
    "mongodb_uri", "pass", "passphrase", "passwd", "password", "pat", "pin", "postgres_url", "private", "pwd", "redis_url", "secret", "session", "signing", "token",
    "webhook",
))  # fmt: skip
"""Settings that open something for whoever reads them."""

SENSITIVE_PARTS = frozenset((
    ".1password", ".aws", ".azure", ".bitcoin", ".boto", ".cargo", ".docker", ".electrum", ".env", ".ethereum", ".gcloud", ".git-credentials", ".gnupg", ".kube",
    ".mozilla", ".my.cnf", ".netrc", ".npmrc", ".password-store", ".pgpass", ".pki", ".pypirc", ".s3cfg", ".ssh", ".subversion", ".terraform.d", ".thunderbird",
    ".vault-token", "credentials", "credentials.json", "gcloud", "google-chrome", "gshadow", "id_dsa", "id_ecdsa", "id_ed25519", "id_rsa", "keychains", "keyring",
    "keyrings", "keystore", "krb5.keytab", "master.passwd", "passwd", "passwords", "sam", "secret", "secrets", "shadow", "sudoers", "vault", "wallet",
    "wallet.dat", "wallets",
))  # fmt: skip
"""Parts of a path under which keys, passwords and money lie."""

SENSITIVE_ENDS = (".jks", ".kdbx", ".key", ".keystore", ".keytab", ".p12", ".pem", ".pfx", ".ppk")

STARTING_PARTS = frozenset((
    ".bash_profile", ".bashrc", ".config", ".git", ".github", ".gitlab-ci.yml", ".profile", ".vscode", ".xinitrc", ".zprofile", ".zshenv", ".zshrc", "autostart",
    "cron.d", "cron.daily", "cron.hourly", "crontab", "crontabs", "hooks", "init.d", "launchagents", "launchdaemons", "ld.so.preload", "pam.d", "profile.d", "rc.d",
    "site-packages", "startup", "systemd",
))  # fmt: skip
"""Parts of a path from which programs are started, so that whoever writes there decides what runs later."""

PROGRAM_PARTS = frozenset(("bin", "lib", "lib64", "sbin"))
"""The same outside of a workspace; in one, these are ordinary folders of sources."""

WIDE_ROOTS = frozenset(("home", "media", "mnt", "root", "users", "usr", "var", "volumes"))
"""First parts of a path below which one more part still names a whole person, disk or system."""

WATCHING_DEVICES = ("audio", "camera", "fingerprint", "gps", "location", "microphone", "video")
"""Devices that see or hear people, or say where they are."""

WORDS_OF_A_TERM = 3
"""Words in the longest term above. Reason: a name is read in steps of so many, and no more."""

_KINDS = {term: kind for kind, terms in STRONG_KINDS.items() for term in terms}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def terms_of(name: str) -> Iterator[str]:
    """One to three neighbouring words of a name: ``customerCardNumber`` gives ``card_number`` too. In the singular also, where they end in s."""
    words = [word.lower() for word in _WORD.findall(name)]
    for first in range(len(words)):
        for count in range(1, min(WORDS_OF_A_TERM, len(words) - first) + 1):
            term = "_".join(words[first : first + count])
            yield term
            if term.endswith("s"):
                yield term[:-1]


def strong_kinds(names: Iterable[str]) -> dict[str, str]:
    """The kinds of data that the names speak of, each with the first name that does."""
    found: dict[str, str] = {}
    for name in names:
        for term in terms_of(name):
            if term in _KINDS:
                found.setdefault(_KINDS[term], name)
    return found


def is_personal(name: str) -> bool:
    return any(term in PERSONAL for term in terms_of(name))


def looks_like_key(name: str) -> bool:
    return any(term in KEY_NAMES for term in terms_of(name))


def is_sensitive_path(path: str) -> bool:
    parts = path.lower().split("/")
    return any(part in SENSITIVE_PARTS for part in parts) or parts[-1].endswith(SENSITIVE_ENDS)


def is_starting_path(path: str) -> bool:
    parts = set(path.lower().split("/"))
    return bool(parts & STARTING_PARTS) or (path.startswith("/") and bool(parts & PROGRAM_PARTS))


def is_wide_path(path: str) -> bool:
    """``/``, ``/data``, ``/home/ada``: so short that it names a disk or a person, not a tool's own folder."""
    parts = [part for part in path.lower().split("/") if part]
    return len(parts) <= 1 or (len(parts) == 2 and parts[0] in WIDE_ROOTS)
