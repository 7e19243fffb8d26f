"""The client of object storage: known answers for its signatures, and storages that are slow, large, elsewhere or no storages at all."""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
from pathlib import Path

import pytest

from mpp.errors import MppError
from mpp.host.audit.s3 import Bucket, Lock, Patience
from mpp.host.audit.s3_signing import Asked, Credentials, credentials_of, read_credentials, signed_headers
from mpp.host.audit.s3_target import target_of
from mpp.testing.packages import NOW, TestClock
from tests.s3store import error, fails, hangs_up, KEY_ID, running, SECRET, send, Store, TOKEN
from tests.unit.host.http_sites import authority

EMPTY = hashlib.sha256(b"").hexdigest()
QUICK = Patience(seconds=2, silence=1, tries=3, wait=1)


@pytest.fixture
def store():
    with running(Store()) as found:
        yield found


def bucket(store: Store, *, patience: Patience = QUICK, waits: list[float] | None = None, url: str = "", **more) -> Bucket:
    target = target_of("s3://records/a", region="us-east-1", endpoint=url or store.url)
    sleep = (lambda _: None) if waits is None else waits.append
    return Bucket(target, Credentials(key_id=KEY_ID, secret=SECRET), TestClock(NOW), patience=patience, sleep=sleep, **more)


def fault_of(call) -> MppError:
    with pytest.raises(MppError) as caught:
        call()
    assert caught.value.hint
    assert SECRET not in repr(caught.value.faults) + str(caught.value)
    return caught.value


# -- signatures


AWS_KEY = ("AKIA" + "IOSFODNN7EXAMPLE", "wJalrXUtnFEMI/" + "K7MDENG/" + "bPxRfiCYEXAMPLEKEY")
"""The made-up key of the examples that AWS publishes for its signatures."""

FRIDAY = 1369353600
"""2013-05-24, the day of those examples."""


@pytest.mark.parametrize(
    ("method", "path", "headers", "query", "body", "signature"),
    [
        ("GET", "/test.txt", {"range": "bytes=0-9"}, {}, b"", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        (
            "PUT", "/test$file.text", {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"}, {}, b"Welcome to Amazon S3.",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/", {}, {"lifecycle": ""}, b"", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("GET", "/", {}, {"prefix": "J", "max-keys": "2"}, b"", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)  # fmt: skip
def test_the_published_examples(method, path, headers, query, body, signature):
    asked = Asked(
        method=method, path=path, headers={"host": "examplebucket.s3.amazonaws.com", **headers}, payload_sha256=hashlib.sha256(body).hexdigest(), query=query
    )
    found = signed_headers(asked, Credentials(key_id=AWS_KEY[0], secret=AWS_KEY[1]), "us-east-1", FRIDAY)
    assert found["authorization"].endswith(f"Signature={signature}")
    assert found["x-amz-date"] == "20130524T000000Z"


OTHER_KEY = "wJalrXUtnFEMI/" + "K7MDENG+" + "bPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("method", "path", "headers", "query", "body", "token", "signature"),
    [
        ("GET", "/a b/c.txt", {"host": "examplebucket.s3.eu-central-1.amazonaws.com"}, {"versionId": "x/y", "acl": ""}, b"", "", "34283c7e8df65aff48a68566ead8d250e58e4e5bb3f870ab1656a2f2a72f79d3"),
        (
            "PUT", "/bucket/p/segments/0.jsonl.gz", {"host": "store.example:9000", "if-none-match": "*", "x-amz-meta-sha256": "ab", "content-type": "application/gzip"}, {},
            b"hello", "", "c61854f64332fe1511bd25ee561fba998338049083acfa0c58f3b675f2ef1488",
        ),
        (
            "PUT", "/bucket/p/segments/0.jsonl.gz", {"host": "store.example:9000", "if-none-match": "*", "content-type": "application/gzip"}, {},
            b"hello", "to/ken==", "1d626f55ffa5729dbc613b4a75a843e8745db703b06aacba26ca555b02459607",
        ),
    ],
)  # fmt: skip
def test_what_another_client_signs(method, path, headers, query, body, token, signature):
    """Computed once with botocore 1.44.8, S3SigV4Auth, payload signed, at 1790000000."""
    asked = Asked(method=method, path=path, headers=headers, payload_sha256=hashlib.sha256(body).hexdigest(), query=query)
    found = signed_headers(asked, Credentials(key_id="AKID" + "EXAMPLE", secret=OTHER_KEY, token=token), "eu-central-1", 1790000000)
    assert found["authorization"].endswith(f"Signature={signature}")
    assert found.get("x-amz-security-token", "") == token


def test_each_part_of_a_request_is_covered():
    plain = Asked(method="PUT", path="/b/k", headers={"host": "h", "if-none-match": "*"}, payload_sha256=EMPTY, query={})
    key = Credentials(key_id=KEY_ID, secret=SECRET)
    others = [
        plain._replace(method="GET"), plain._replace(path="/b/K"), plain._replace(headers={"host": "h"}), plain._replace(headers={"host": "i", "if-none-match": "*"}),
        plain._replace(payload_sha256="0" * 64), plain._replace(query={"acl": ""}),
    ]  # fmt: skip
    signed = {signed_headers(one, key, "r", NOW)["authorization"] for one in [plain, *others]}
    signed |= {signed_headers(plain, key, "s", NOW)["authorization"], signed_headers(plain, key, "r", NOW + 1)["authorization"]}
    signed.add(signed_headers(plain, Credentials(key_id=KEY_ID, secret=SECRET + "x"), "r", NOW)["authorization"])
    assert len(signed) == len(others) + 4


# -- credentials


def test_credentials_of_the_environment():
    found = credentials_of({"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN})
    assert (found.key_id, found.secret, found.token) == (KEY_ID, SECRET, TOKEN)
    assert SECRET not in f"{found!r} {found}"
    assert TOKEN not in f"{found!r} {found}"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_what_is_missing_is_named(name):
    given = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    fault = fault_of(lambda: credentials_of({**given, name: ""}))
    assert (fault.code, name in fault.message) == ("audit.credentials", True)


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("bad", ["x y", "a\r\nHost: evil", "ä", "x" * 9000])
def test_no_credential_can_end_a_header(name, bad):
    given = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, name: bad}
    fault = fault_of(lambda: credentials_of(given))
    assert fault.code == "audit.credentials"
    assert bad not in repr(fault.faults)


def written(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    path = tmp_path / "s3"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_file_with_credentials(tmp_path):
    text = f"# ours\n[default]\naws_access_key_id = {KEY_ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n\naws_session_token = {TOKEN}\n"
    found = read_credentials(written(tmp_path, text))
    assert (found.key_id, found.secret, found.token) == (KEY_ID, SECRET, TOKEN)


@pytest.mark.parametrize(
    "text", [f"{SECRET}\n", f"aws_secret = {SECRET}\n", f"aws_access_key_id = {KEY_ID}\n" * 2, "aws_access_key_id = ä\n", f"[other]\n{SECRET}\n"]
)
def test_a_file_that_is_none(tmp_path, text):
    assert fault_of(lambda: read_credentials(written(tmp_path, text))).code == "audit.credentials"


def test_a_file_that_others_can_read(tmp_path):
    fault = fault_of(lambda: read_credentials(written(tmp_path, f"aws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n", 0o644)))
    assert (fault.code, "chmod" in fault.hint) == ("audit.credentials", True)
    assert fault_of(lambda: read_credentials(str(tmp_path / "none"))).code == "host.file"


# -- targets


def test_a_target_at_aws_has_its_bucket_in_the_host():
    target = target_of("s3://my-records/hosts/a/", region="eu-central-1")
    assert (target.host, target.port, target.path("k"), target.name) == ("my-records.s3.eu-central-1.amazonaws.com", 443, "/k", "s3://my-records/hosts/a")
    dotted = target_of("s3://my.records", region="eu-central-1")
    assert (dotted.host, dotted.path("k"), dotted.name) == ("s3.eu-central-1.amazonaws.com", "/my.records/k", "s3://my.records")


def test_a_target_elsewhere_has_it_in_the_path():
    target = target_of("s3://records", region="garage", endpoint="https://s3.example.com:3900/")
    assert (target.host, target.port, target.path("k"), target.is_plain, target.place) == (
        "s3.example.com",
        3900,
        "/records/k",
        False,
        "https://s3.example.com:3900",
    )
    assert target_of("s3://records", region="r", endpoint="https://s3.example.com", in_host=True).host == "records.s3.example.com"
    assert target_of("s3://records", region="r", endpoint="http://[::1]:1").host == "::1"
    assert target_of("s3://records", region="r", endpoint="http://localhost").port == 80


@pytest.mark.parametrize(
    "to",
    [
        "records/a",
        "s3://",
        "s3://R/a",
        "s3://a..b/x",
        "s3://records/../x",
        "s3://records//x",
        "s3://records/a b",
        "s3://records/a?x",
        "s3://records/" + "x" * 500,
    ],
)
def test_what_names_no_bucket(to):
    assert fault_of(lambda: target_of(to, region="us-east-1")).code == "audit.upload_target"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://s3.example.com", "ftp://s3.example.com", "s3.example.com", "https://s3.example.com/x", "https://s3.example.com?x", "https://s3.example.com#x", "https://", "https://a b",
        "https://s3.example.com:x", "https://" + "x" * 400, "http://127.0.0.1.example.com", "https://[::1", "https://s3.exämple.com",
    ],
)  # fmt: skip
def test_what_is_no_endpoint(endpoint):
    assert fault_of(lambda: target_of("s3://records", region="us-east-1", endpoint=endpoint)).code == "audit.upload_target"


def test_an_endpoint_with_a_password_is_not_shown():
    fault = fault_of(lambda: target_of("s3://records", region="us-east-1", endpoint=f"https://ada:{'hun' + 'ter2'}@s3.example.com"))
    assert (fault.code, "hun" + "ter2" in repr(fault.faults)) == ("audit.upload_target", False)


def test_what_is_no_region():
    assert fault_of(lambda: target_of("s3://records", region="a/b")).code == "audit.upload_target"


# -- put, look, read back


def test_a_put_is_create_only_hashed_and_locked(store):
    lock = Lock(mode="compliance", until=1800000000)
    assert bucket(store).put("k/x", b"hello", kind="text/plain", lock=lock) == "v1"
    assert bucket(store).put("k/x", b"other", kind="text/plain") is None
    sent = store.seen[0].headers
    assert store.seen[0].path == "/records/k/x"
    assert (sent["if-none-match"], sent["x-amz-object-lock-mode"], sent["x-amz-object-lock-retain-until-date"]) == ("*", "COMPLIANCE", "2027-01-15T08:00:00Z")
    assert sent["x-amz-content-sha256"] == sent["x-amz-meta-sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert (sent["x-amz-checksum-sha256"], sent["content-md5"]) == ("LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "XUFAKrxLKna5cZ2REBfFkg==")
    signed = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert set(signed) >= {"host", "if-none-match", "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date", "content-md5", "x-amz-meta-sha256"}
    assert SECRET not in repr(sent)


def test_what_is_there_is_told(store):
    lock = Lock(mode="governance", until=1800000000)
    bucket(store).put("k", b"hello", kind="text/plain", lock=lock)
    found = bucket(store).head("k")
    assert (found.size, found.sha256, found.told, found.lock) == (5, "", hashlib.sha256(b"hello").hexdigest(), lock)
    store.hashes = True
    assert bucket(store).head("k").sha256 == hashlib.sha256(b"hello").hexdigest()
    assert bucket(store).get("k", 5) == b"hello"
    assert bucket(store).head("none") is bucket(store).get("none", 5) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("x-amz-object-lock-mode", "FOREVER"), ("x-amz-object-lock-retain-until-date", "tomorrow"), ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00"),
        ("x-amz-checksum-sha256", "n0 base64"), ("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=-2"), ("x-amz-checksum-sha256", "AAAA"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_believed(store, name, told):
    lock = {"x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": "2030-01-01T00:00:00Z"}
    store.plant("/records/k", b"hello", **{**lock, name: told})
    found = bucket(store).head("k")
    assert found.sha256 == ""
    assert (found.lock is None) is name.startswith("x-amz-object-lock")


def test_a_size_that_is_none(store):
    store.steps = [lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nx-amz-version-id: a\tb\r\n\r\n")]
    found = bucket(store).head("k")
    assert (found.size, "\t" in found.version) == (-1, False)


def test_more_than_was_asked_for_is_not_read(store):
    store.plant("/records/k", b"x" * 1000)
    assert fault_of(lambda: bucket(store).get("k", 999)).code == "remote.s3"
    assert len(store.seen) == 1


# -- what goes wrong


def test_a_busy_storage_is_asked_again_after_longer_and_longer_waits(store):
    waits: list[float] = []
    store.steps = [fails(503, "SlowDown"), hangs_up]
    assert bucket(store, waits=waits).put("k", b"hello", kind="text/plain") == "v1"
    assert waits == [1, 2]


def test_a_put_that_was_kept_though_its_answer_was_lost(store):
    def keeps_and_hangs_up(handler):
        store.objects["/records/k"] = (b"hello", {})
        hangs_up(handler)

    store.steps = [keeps_and_hangs_up]
    assert bucket(store).put("k", b"hello", kind="text/plain") is None


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalError"), (503, "SlowDown"), (429, ""), (409, "ConditionalRequestConflict"), (400, "RequestTimeout")]
)
def test_a_storage_that_stays_busy(store, status, code):
    store.steps = [fails(status, code)] * 3
    fault = fault_of(lambda: bucket(store).put("k", b"hello", kind="text/plain"))
    assert (fault.code, len(store.seen)) == ("remote.s3", 3)
    assert code in fault.message


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        (403, "AccessDenied", "PutObject"), (403, "SignatureDoesNotMatch", "secret"), (403, "InvalidAccessKeyId", "key id"), (403, "RequestTimeTooSkewed", "clock"),
        (400, "ExpiredToken", "expired"), (404, "NoSuchBucket", "bucket"), (501, "NotImplemented", "not there yet"), (403, "Other", "credentials"), (404, "", "bucket"), (418, "", "endpoint"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_do_and_is_not_repeated(store, status, code, word):
    store.steps = [fails(status, code)]
    fault = fault_of(lambda: bucket(store).put("k", b"hello", kind="text/plain"))
    assert (fault.code, len(store.seen)) == ("remote.s3_refused", 1)
    assert word in fault.hint
    assert "\x1b" not in fault.message + fault.hint


def test_a_refused_look(store):
    store.steps = [fails(403, "AccessDenied")] * 2
    assert fault_of(lambda: bucket(store).head("k")).code == "remote.s3_refused"
    assert fault_of(lambda: bucket(store).get("k", 10)).code == "remote.s3_refused"


@pytest.mark.parametrize(("status", "code"), [(400, "InvalidRequest"), (501, "NotImplemented"), (404, "ObjectLockConfigurationNotFoundError")])
def test_a_bucket_without_object_lock(store, status, code):
    store.steps = [fails(status, code)]
    assert fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain", lock=Lock(mode="compliance", until=NOW))).code == "audit.upload_lock"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(store, status):
    with running(Store()) as other:
        store.steps = [fails(status, "PermanentRedirect", Location=other.url + "/records/k")]
        assert fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain")).code == "remote.s3_refused"
        assert not other.seen
        assert len(store.seen) == 1


def test_a_bucket_in_another_region(store):
    store.steps = [
        fails(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-north-1"}),
        fails(301, "PermanentRedirect", **{"x-amz-bucket-region": "a; rm -rf"}),
    ]
    assert "--region eu-north-1" in fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain")).hint
    assert "rm" not in fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain")).hint


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><Error><Code>AccessDenied</Code></Error>', b"<Error><Code>\x1b[31m</Code></Error>", b"<Error><Code>" + b"x" * 65 + b"</Code></Error>",
        b"\xff\xfe", b"", b"{}",
    ],
)  # fmt: skip
def test_of_an_error_only_a_plain_word_is_read(store, body):
    store.steps = [lambda handler: send(handler, 403, body)]
    assert fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain")).message == "the storage refuses: it answers 403"


def test_an_answer_without_end(store):
    def floods(handler):
        handler.wfile.write(b"HTTP/1.1 403 No\r\n\r\n")
        for _ in range(1000):
            handler.wfile.write(b"x" * 4096)
        handler.close_connection = True

    store.steps = [floods]
    fault = fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain"))
    assert (fault.code, "16384 bytes" in fault.message) == ("remote.s3", True)


@pytest.mark.parametrize(
    "raw", [b"no http at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n", b""]
)
def test_an_answer_that_is_none(store, raw):
    def answers(handler):
        handler.wfile.write(raw)
        handler.close_connection = True

    store.steps = [answers] * 3
    fault = fault_of(lambda: bucket(store).put("k", b"x", kind="text/plain"))
    assert (fault.code, len(store.seen)) == ("remote.s3", 3)


def test_a_storage_that_drips(store):
    """Each byte comes in time; all of them never would."""
    done = threading.Event()

    def drips(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while not done.wait(0.05):
            handler.wfile.write(b"x")

    store.steps = [drips]
    try:
        fault = fault_of(lambda: bucket(store, patience=Patience(seconds=0.3, silence=5, tries=1, wait=0)).put("k", b"x", kind="text/plain"))
    finally:
        done.set()
    assert fault.code == "remote.s3"


def test_a_storage_that_is_silent(store):
    done = threading.Event()
    store.steps = [lambda _: done.wait(30)]
    try:
        fault = fault_of(lambda: bucket(store, patience=Patience(seconds=30, silence=0.2, tries=1, wait=0)).head("k"))
    finally:
        done.set()
    assert (fault.code, "too long" in fault.message) == ("remote.s3", True)


def test_nobody_is_there(store):
    with running(Store()) as other:
        gone = other.url
    fault = fault_of(lambda: bucket(store, url=gone, patience=Patience(tries=1)).head("k"))
    assert (fault.code, gone in fault.hint) == ("remote.s3", True)
    assert fault_of(lambda: bucket(store, patience=Patience(tries=0)).head("k")).code == "remote.s3"


def test_https_with_an_authority_that_is_known_and_one_that_is_not():
    ca, site = authority()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(site)
    with running(Store(), server) as store:
        once = Patience(tries=1)
        fault = fault_of(lambda: bucket(store, patience=once).put("k", b"x", kind="text/plain"))
        assert ("certificate" in fault.message or "issuer" in fault.message, store.seen) == (True, [])
        known = ssl.create_default_context(cafile=ca)
        assert bucket(store, patience=once, context=known).put("k", b"x", kind="text/plain") == "v1"
        assert store.seen[0].headers["host"] == store.url.removeprefix("https://")


def test_plain_http_where_https_is_asked_for(store):
    fault = fault_of(lambda: bucket(store, url=store.url.replace("http:", "https:"), patience=Patience(tries=1)).head("k"))
    assert (fault.code, "no safe connection" in fault.message) == ("remote.s3", True)
    assert not os.environ.get("SSLKEYLOGFILE")


def test_the_error_helper_is_an_error():
    assert b"<Code>X</Code>" in error("X")
