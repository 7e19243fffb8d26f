"""Which names announce a secret: of keys, of variables, of columns, of labels in a form, in several languages."""

from __future__ import annotations

from functools import lru_cache

from mpp.model.value import value
from mpp.stages.privacy.detectors.secrets.values import CODE, FIRM, MIXED, OPEN, PHRASE, words

NAMES_KEPT = 4096
"""Names whose judgement is remembered. Reason: a message has a few hundred different ones, each up to thousands of times."""

NAME_CHARS_MAX = 96
"""Characters of a name. Reason: longer ones are sentences."""


@value
class Kind:
    """What a name announces."""

    type: str
    level: int


_PASSWORDS = (
    "password",
    "passwords",
    "passwd",
    "passwort",
    "pwd",
    "passphrase",
    "passcode",
    "pswd",
    "kennwort",
    "losungswort",
    "contraseña",
    "contrasena",
    "clave",
    "senha",
    "palavrapasse",
    "motdepasse",
    "mdp",
    "wachtwoord",
    "hasło",
    "haslo",
    "parola",
    "heslo",
    "lösenord",
    "losenord",
    "jelszó",
    "jelszo",
    "salasana",
    "adgangskode",
    "passord",
    "şifre",
    "sifre",
    "пароль",
    "geslo",
    "lozinka",
    "лозинка",
    "парола",
    "parool",
    "slaptažodis",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "비밀번호",
    "암호",
    "mậtkhẩu",
    "matkhau",
    "katasandi",
    "identifiedby",
    "requirepass",
    "masterauth",
    "authpass",
)
_KEYS = (
    "api",
    "access",
    "secret",
    "private",
    "account",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "master",
    "shared",
    "auth",
    "service",
    "role",
    "subscription",
    "license",
    "licence",
    "deploy",
    "hmac",
    "session",
    "admin",
    "app",
    "application",
    "recovery",
    "unseal",
    "storage",
    "webhook",
    "ssh",
    "crypto",
    "cipher",
    "aes",
    "jwt",
    "security",
    "server",
    "client",
    "consumer",
    "write",
    "ingest",
    "ingestion",
    "integration",
    "tls",
    "ssl",
    "pgp",
    "gpg",
    "wallet",
    "root",
    "developer",
    "merchant",
    "bot",
    "production",
    "sandbox",
    "preshared",
)
_TOKENS = ("token", "tokens", "jwt", "bearer", "apikeys", "accesskeys", "credential", "credentials", "creds", "jsessionid", "phpsessid", "aspnetsessionid")
_AUTHS = ("authorization", "auth", "authentication", "authheader", "basicauth", "proxyauthorization")
_SECRETS = ("secret", "secrets", "geheimnis", "secreto", "segredo", "clientsecret")
_PHRASES = (
    "mnemonic",
    "seedphrase",
    "recoveryphrase",
    "backupphrase",
    "recoverycode",
    "recoverycodes",
    "backupcode",
    "backupcodes",
    "mnemonicphrase",
    "seedwords",
)
_CODES = (
    "otp",
    "totp",
    "mfacode",
    "2facode",
    "verificationcode",
    "onetimecode",
    "smscode",
    "authcode",
    "logincode",
    "pin",
    "pinnumber",
    "passkeycode",
    "unlockcode",
)
_HASHES = (
    "passwordhash",
    "passwdhash",
    "pwdhash",
    "hashedpassword",
    "encryptedpassword",
    "passworddigest",
    "passwordhashed",
    "cryptedpassword",
    "passhash",
    "ntlmhash",
)

_ENDS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (_HASHES, Kind(type="password_hash", level=FIRM)),
    (_PASSWORDS, Kind(type="password", level=OPEN)),
    (_PHRASES, Kind(type="recovery_phrase", level=PHRASE)),
    (("privatekey", "privkey"), Kind(type="private_key", level=FIRM)),
    (("secretaccesskey",), Kind(type="aws_secret_key", level=FIRM)),
    (_SECRETS, Kind(type="secret_value", level=MIXED)),
    (_TOKENS, Kind(type="secret_value", level=FIRM)),
    (tuple(f"{word}key" for word in _KEYS), Kind(type="secret_value", level=FIRM)),
)
"""By the end of the name without its separators; the first row that fits. Each is long enough that no other word ends so."""

_WHOLE_WORDS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (_AUTHS, Kind(type="auth_header", level=FIRM)),
    (("pass", "psw", "pw", "psk"), Kind(type="password", level=MIXED)),
    (_CODES, Kind(type="access_code", level=CODE)),
    (("sid", "sessid", "sessionid"), Kind(type="secret_value", level=FIRM)),
    (("pat",), Kind(type="secret_value", level=FIRM)),
)
"""Endings that are endings of other words too, so the last words of the name must be they: ``compass``, ``spin``."""

_LAST_WORDS = """
value text plain plaintext raw base64 b64 string str prod production dev development staging test live new old current confirm confirmation again
repeat verify env var encoded default primary secondary main temp temporary initial 1 2 3 data header
"""
_QUALIFIERS = frozenset(_LAST_WORDS.split())
"""Last words that change nothing: ``password_confirmation``, ``api_key_prod``."""

_FIRST_WORDS = """
next prev previous page pages pagination paging continuation continue cursor sync resume max min num number count total limit prompt completion
input output cached reasoning stop eos bos pad unk mask special design color delta marker skip start end first last idempotency partition sort
cache hash csstoken position lexer syntax watermark change concurrency fencing nft erc20 audio image estimated used remaining budget context change
public publishable pub anon
"""
_OTHER_TOKENS = frozenset(_FIRST_WORDS.split())
"""First words of tokens and keys that open nothing: cursors, counts of a model's tokens, publishable keys."""

_ASKING = """
is has have use uses requires require required allow show hide no need needs missing invalid forgot lost without public
"""
_QUESTIONS = frozenset(_ASKING.split())
"""First words of names that ask about a secret."""

PROVIDERS = {
    "datadog": "datadog_key",
    "cloudflare": "cloudflare_token",
    "twilio": "twilio_key",
    "mailgun": "mailgun_key",
    "okta": "okta_token",
    "snyk": "snyk_token",
    "asana": "asana_token",
    "heroku": "heroku_key",
    "twitter": "twitter_token",
    "azure": "azure_key",
    "algolia": "algolia_key",
    "vercel": "vercel_token",
    "newrelic": "newrelic_key",
    "airtable": "airtable_token",
    "bitbucket": "bitbucket_token",
    "jfrog": "jfrog_key",
    "artifactory": "jfrog_key",
    "circleci": "circleci_token",
    "mistral": "mistral_key",
    "cohere": "cohere_key",
    "pagerduty": "pagerduty_key",
    "zendesk": "zendesk_token",
    "trello": "trello_key",
    "intercom": "intercom_token",
    "amplitude": "amplitude_key",
    "segment": "segment_key",
    "fastly": "fastly_key",
    "sumologic": "sumologic_key",
    "coinbase": "coinbase_key",
    "binance": "binance_key",
    "kraken": "kraken_key",
    "confluent": "confluent_key",
    "elastic": "elastic_key",
    "mongodb": "mongodb_key",
}
"""Issuers whose secrets have no mark: the name tells whose they are."""


@lru_cache(maxsize=NAMES_KEPT)
def announces(name: str) -> Kind | None:
    """What ``name`` announces; None where it is no secret."""
    found = words(name) if len(name) <= NAME_CHARS_MAX else []
    while len(found) > 1 and found[-1] in _QUALIFIERS:
        found.pop()
    joined = "".join(found)
    kind = next((kind for ends, kind in _ENDS if joined.endswith(ends)), None) or _by_last_words(found)
    if kind is None or not _QUESTIONS.isdisjoint(found[:-1]):
        return None
    if kind.type == "secret_value":
        if not _OTHER_TOKENS.isdisjoint(found):
            return None
        provider = next((PROVIDERS[word] for word in found if word in PROVIDERS), None)
        return Kind(type=provider, level=kind.level) if provider else kind
    return kind


def _by_last_words(found: list[str]) -> Kind | None:
    last = {"".join(found[-most:]) for most in (1, 2, 3)}
    return next((kind for whole, kind in _WHOLE_WORDS if not last.isdisjoint(whole)), None)
