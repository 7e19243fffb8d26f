"""What looks like a secret and is none: placeholders, code, identifiers, digests, words. Nearly nothing of it may be hidden."""

from __future__ import annotations

from base64 import b64encode
from random import Random

import pytest

from mpp.model.jsontext import Json
from tests.unit.privacy.test_secrets_search import found

HEX40 = "3b18e512dba79e4c8300dd08aeb37f8e728b8dad"
HEX64 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UUID = "550e8400-e29b-41d4-a716-446655440000"
B64 = b64encode(Random(1).randbytes(300)).decode()

PLACEHOLDERS: list[Json] = [
    "api_key: <your-api-key>", "API_KEY=xxxx", "API_KEY=xxxxxxxxxxxxxxxxxxxxxxxx", "password: ********", "password: [REDACTED]", "password: ...", "password=${DB_PASSWORD}", "token: $TOKEN",
    "token: {{ secret }}", "token: ${{ secrets.GITHUB_TOKEN }}", 'password = os.environ["DB_PASSWORD"]', "password: null", "password: true", "password = None", "secret: false", "api_key = YOUR_API_KEY",
    "api_key: your_api_key_here", 'apiKey: "YOUR-API-KEY"', "export TOKEN=<token>", "Authorization: Bearer <token>", "Authorization: Bearer $TOKEN", "Authorization: Bearer ${TOKEN}",
    "Authorization: Bearer YOUR_TOKEN", "Authorization: Bearer {access_token}", "sk-...", "sk-ant-api03-...", "ghp_...", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "xoxb-your-token-here",
    "sk-proj-your-key-goes-here-please", "AKIAXXXXXXXXXXXXXXXX"[:12], "AIza...", "password: %s", "password: %(password)s", "password: :password", "password = ?", "password: @Password", "password=***",
    "password: ••••••••", "passwd: --------", "token=REPLACE_ME", "token: replace-me", "secret: " + "TO" + "DO", "client_secret: <client secret>", "password: (hidden)", "password: {password}", "pwd=#{pwd}",
    "--password <password>", "--token TOKEN", "--api-key $API_KEY", "password: enter-your-password", "api_key: insert_key_here", "SECRET_KEY=example-secret-key-placeholder", {"password": ""},
    {"password": "********"}, {"token": "[REDACTED]"}, {"secret": "<redacted>"}, {"apiKey": "${API_KEY}"}, {"token": None}, {"password": "string"}, {"token": "your-token"}, {"api_key": "YOUR_API_KEY"},
    {"password": "DB_PASSWORD"}, {"password": "Password"}, {"password": "[PASSWORD-gkbmrtqz]"}, {"authorization": "Bearer {{token}}"}, {"name": "password", "value": "${PW}"},
]  # fmt: skip

CODE: list[Json] = [
    "def login(user: str, password: str) -> bool:", "password: Optional[str] = None", "token = get_token(user)", "token = await client.fetch_token()", "const token = req.headers.authorization;",
    "let apiKey = process.env.API_KEY;", "self.password = password", "this.token = token;", "password = settings.DB_PASSWORD", "secret = config.get('secret')", "api_key = os.getenv('API_KEY')",
    "return token.value", "if token == nil {", "if (password !== confirmPassword) {", "token => token.id", "password_hash = bcrypt.hash(password)", "public_key = load(path)", "tokens = text.split()",
    "Token token = new Token();", "String password;", "private String password;", '@Value("${db.password}") String password', "password varchar(255) NOT NULL", "secretKeyRef:\n  name: db\n  key: password",
    'secret_name: "db"', "secretName: my-tls", "token_type: Bearer", "type Token = { kind: string }", "passwordField.setText(value)", '<input type="password" name="password" />',
    '<label for="password">Password</label>', "validates :password, presence: true", "func SetPassword(p string) error", "PasswordEncoder encoder", "token_urlsafe(32)", "parser.add_argument('--password', required=True)",
    "class TokenStream(object):", "import secrets", "from getpass import getpass", "password = getpass()", "key = KeyFactory.create()", "auth = (user, password)", "auth: AuthService", "credentials: include",
    "credentials: 'same-origin'", "cookie: SameSite=Lax", "pin: PinMode", "token: Token | undefined", "secret: vault:secret/data/db#password", "password_file: /run/secrets/db_password", "password: /run/secrets/db",
    "POSTGRES_PASSWORD_FILE=/run/secrets/db", "private_key_path: ~/.ssh/id_rsa", "api_key: op://vault/item/field", "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
    "['username', 'password', 'email']", '["token", "name"]', "t('password.label', 'Password')", "errors.password = 'required'", "interface Props { token: string; secret?: string }",
    {"type": "object", "properties": {"password": {"type": "string", "description": "The password of the user"}}, "required": ["password", "token"]}, {"field": "password", "message": "must not be empty"},
    {"name": "password", "type": "string", "in": "formData"}, {"name": "token", "value": "string"}, {"password": "The password of the user"}, {"token": "A token that the user pasted from the page"},
]  # fmt: skip

WORDS: list[Json] = [
    "token_count: 5", "max_tokens: 4096", {"max_tokens": 4096}, {"total_tokens": 123456}, {"usage": {"prompt_tokens": 12345, "completion_tokens": 67890}}, {"next_page_token": "CAUQAA8Zk3Vt0Xw7"},
    {"nextPageToken": "EAAaBlBUOkNBVQ8Zk3"}, {"continuationToken": "1!48!MDAwMDI1IWE4ZGY"}, {"pageToken": "q8Zk3Vt0Xw7Lr5Pm"}, {"NextToken": "AQICAHhq8Zk3Vt0Xw7"}, {"cursor": "q8Zk3Vt0Xw7Lr5Pm"},
    {"public_key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"}, {"key": "q8Zk3Vt0Xw7Lr5Pm"}, {"id": UUID, "object": "key"}, {"tokenizer": "cl100k_base"}, {"eos_token": "<|endoftext|>"}, {"pad_token": "[PAD]"},
    {"special_tokens": "q8Zk3Vt0Xw7Lr5Pm"}, {"primary_key": "q8Zk3Vt0Xw7Lr5Pm"}, {"cache_key": "user:42:v3:9f86d0"}, {"idempotency_key": UUID}, {"s3_key": "a/b/q8Zk3Vt0Xw7Lr5Pm.png"}, {"partition_key": "q8Zk3Vt0"},
    "Password must be at least 8 characters long", "Your password was changed.", "The password is incorrect", "password: must contain a digit", "Forgot your password? Reset it here.", "password is required",
    "Enter password:", "The token is invalid or has expired", "token: expired", "Invalid token: unexpected end of input", "Unexpected token < in JSON at position 0", "SyntaxError: Unexpected token 'export'",
    "secret santa: Monday 5th", "Victoria's Secret: new shop", "Secretary: Anna Berg", "The bearer token was not sent", "Basic authentication is used", "tests pass: 12 of 12", "pass 3 of 5", "All 12 checks pass.",
    "boarding pass: Gate B12", "bypass=1", "passenger: Smith", "compass: NNW", "spin: 0.5", "pinned: 2 messages", "pin: yes", "PIN code of the area: 560 001x", "author: Token Smith", "authentication: OAuth2",
    "auth: basic", "Auth: required", "password policy: strong", "password reset: https://example.com/reset", "password manager: KeePass", "Passwort vergessen?", "Das Passwort ist falsch", "La contraseña es incorrecta",
    "mot de passe oublié", "cookie: chocolate chip", "We use cookies: see our policy", "license: MIT", "license_key: see LICENSE.txt", "session_id: 12345", "credentials: see the wiki", "API keys: 3 active",
    "Secrets: 12", "secret: yes", "Access key: ALT+S", "api key: required", "token: 12345", "tokens: 1,234", "key findings: q3 was good", "The secret of success is hard work", {"label": "Password", "text": "Forgot it?"},
    "a secret is UTF-8 text", "messages identified by UID", "(mnemonic: Bracelets first)", {"token": "bearer"}, {"auth": "oauth2-bearer"}, {"encryption_key": "aes-256-gcm"}, {"secret": "db-credentials"}, {"token_type": "Bearer"}, {"has_password": "q8Zk3Vt0"}, {"password_strength": "very strong 9"},
    {"password": "Forgot your password?"}, {"i18n": {"password": "Mot de passe"}}, {"password_updated_at": "2026-01-01T00:00:00Z"}, {"api_key_id": "q8Zk3Vt0Xw7Lr5Pm"}, {"token_expires": 1_700_000_000},
]  # fmt: skip

NUMBERS: list[Json] = [
    '"AWS::IAM::AccessKey": "72c2d9dd90025459"', HEX40, HEX64, UUID, f"commit {HEX40}", f"sha256:{HEX64}", f"git+https://x@{HEX40}", {"sha": HEX40, "parents": [HEX40]}, {"digest": f"sha256:{HEX64}"}, {"etag": f'W/"{HEX40}"'}, {"integrity": f"sha512-{B64[:86]}=="},
    {"checksum": HEX64}, {"trace_id": HEX40[:32], "span_id": HEX40[:16]}, {"request_id": UUID}, {"image": f"data:image/png;base64,{B64}"}, {"thumbnail": B64}, "main.3f4a9c1b.chunk.js", "bundle-q8Zk3Vt0Xw7Lr5Pm.min.js",
    "!function(e,t){e.sk=t;var n=e.token;return n(t)}(this,0);", "sk-loading-spinner-large-and-blue", "task-9f86d081884c7d659a2feaa0c55ad015", "risk-assessment-2026", "disk-sda1-9f86d081884c7d65", "2026-01-01T00:00:00Z",
    "1.2.3.4", "v1.0-rc1", "rev: 0a1b2c3d", "id_ed25519.pub", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{B64[:43]} bob@host", "SG.com is a host", "SK Telecom", "AC/DC", "EAAA", "hf_hub_download", "npm_config_cache=/tmp/x",
    "hvs.example", "glsa_format", "pk_live_" + "a1B2" * 6, "pk_test_" + "a1B2" * 6, "AIDA" + "A1B2" * 4, "sb_publishable_" + "a1B2" * 6, "phc_" + "a1B2" * 10, "price_1" + "a1B2" * 5, "cus_" + "a1B2" * 4, "pi_3" + "a1B2" * 5,
    "secret_" + "a_b", "key-value", "key-0", "dapi", "cio", "re_match_object_is_none", "pat.com", "https://hooks.slack.com/services/", "https://discord.com/api/webhooks/", "T3BlbkFJ", "arn:aws:iam::123456789012:role/x",
    "$2 and $6", "$1$", "{SHA}", "$argon2id$", "ISBN 978-3-16-148410-0", "0x" + HEX64, "0x" + HEX40, "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPYJG"[:20], "ya29", "AAAA" * 8, "eyJhbGciOiJIUzI1NiJ9"[:12],
    "user@example.com", "+1 555 0100", "order ORD-00012345", "SKU-8ZK3VT0X", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "/srv/app/secret/token.txt", "C:\\Users\\bob\\token.json", "https://example.com/token/reset?next=/home",
    {"Cookie": "theme=dark"}, {"Set-Cookie": "lang=en-US; Path=/"}, "https://example.com/?utm_source=token&page=2", "GET /api/v1/token?grant_type=client_credentials", "HTTP 401: missing Authorization header",
]  # fmt: skip

ALL = [*PLACEHOLDERS, *CODE, *WORDS, *NUMBERS]


def test_there_are_many() -> None:
    assert len(ALL) >= 250


@pytest.mark.parametrize("message", ALL, ids=lambda message: str(message)[:50])
def test_what_is_no_secret(message: Json) -> None:
    assert found(message) == []
    assert found([message, {"text": message}]) == []
