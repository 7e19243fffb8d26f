"""The endpoints of fleets, as rows of the table of endpoints. Hosts sign each request with their key; an administrator has a token."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mpp.errors import Refused
from mpp.host.enrolment.documents import FleetAnswer, read_enrolment, read_report, sign_answer
from mpp.host.enrolment.limits import CODE_CHARS_MAX, ENROLMENT_BYTES_MAX, FLEET_NAME_MAX, REPORT_BYTES_MAX
from mpp.host.enrolment.trust_bundle import FLEET_NAME, FLEET_NAME_FORM, TRUST_BUNDLE_BYTES_MAX
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, read
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM, SHA256_HEX, SHA256_HEX_FORM
from mpp.stages.audit import REQUEST_BYTES_MAX
from mpp.stages.policy import BUNDLE_BYTES_MAX
from mpp_registry.api.answering import Answer, document, NEVER
from mpp_registry.api.asking import Ask, number, Parameter
from mpp_registry.api.endpoint import Auth, Endpoint, Handle, Reply
from mpp_registry.fleet.alarms import clear_alarms
from mpp_registry.fleet.hosts import authenticate_host, codes, enrol, Host, hosts, names_of, new_code, remove_host, Request, Wanted
from mpp_registry.fleet.limits import CODE_SECONDS, CODE_SECONDS_MAX, LABEL_CHARS_MAX, PAGE_ITEMS_MAX, ROOTS_BYTES_MAX
from mpp_registry.fleet.papers import fleet_root, judged_name, need, papers, put_policy, put_root, put_trust
from mpp_registry.fleet.reports import alarms, Asked, inventory, receive, STATUSES
from mpp_registry.fleet.showing import alarm_json, code_json, host_json, installed_json, paper_json
from mpp_registry.fleet.witness import about, add_checkpoint, logs_of, newest_of, Said, witness_of
from mpp_registry.services import Services

JSON, TEXT = "application/json", "text/plain"
NAME = Parameter(
    name="name", words="The name of the policy or the trust.", most=FLEET_NAME_MAX, pattern=FLEET_NAME, form=FLEET_NAME_FORM, example="example-fleet"
)
HOST = Parameter(
    name="host_id", words="A host: 16 digits or more of its id.", most=64, pattern=re.compile("[0-9a-f]{16,64}"), form="an id of a host", example="4e" * 32
)
DIGEST = Parameter(name="digest", words="SHA-256 of an origin.", most=64, pattern=SHA256_HEX, form=SHA256_HEX_FORM, example="4e" * 32)
PACKAGE = Parameter(name="package", words="Of this package alone.", most=PACKAGE_ID_MAX, pattern=re.compile(f"(?:{PACKAGE_ID.pattern})?"), form=PACKAGE_ID_FORM)
STATUS = Parameter(
    name="status", words="Of this status alone.", most=20, pattern=re.compile(f"(?:{'|'.join(STATUSES)})?"), form=f"one of {', '.join(STATUSES)}"
)
ONE_HOST = Parameter(name="host", words="Of this host alone.", most=64, pattern=re.compile(f"(?:{SHA256_HEX.pattern})?"), form=SHA256_HEX_FORM)
KIND = Parameter(name="kind", words="Of this kind alone.", most=20, pattern=re.compile("[a-z-]*"), form="a kind of alarm")
AFTER = Parameter(name="after", words="The `next` of the page before.", most=400, pattern=re.compile(r"[0-9a-z.:-]*"), form="a cursor")
LIMIT = number("limit", "Rows of a page.", least=1, most=PAGE_ITEMS_MAX, default=str(PAGE_ITEMS_MAX))
ACTIVE = number("active", "1: only what is served.", most=1, default="0")


def _request(ask: Ask, method: str) -> Request:
    return Request(authorization=ask.headers.get("authorization") or "", method=method, target=ask.target, body=ask.body)


def _administrator(ask: Ask) -> None:
    """Attack: a publisher who is registered here, and is no administrator."""
    if not ask.is_admin:
        raise Refused("registry.forbidden", "this is for the administrator of the registry", hint="use the administrator's token")


# -- hosts


def _answer(services: Services, host: Host, nonce: str) -> Answer:
    with services.database.read() as rows:
        root = fleet_root(rows)
    found = FleetAnswer(
        nonce=nonce, host_id=host.host_id, fleet_roots=root.data, policy_name=host.policy_name, trust_name=host.trust_name,
        witness_key=str(witness_of(services)[0]),
    )  # fmt: skip
    return Answer(data=sign_answer(found, services.ledger.roots, services.ledger.signer), cache=NEVER)


def enrol_host(ask: Ask) -> Answer:
    host, nonce = enrol(ask.services, read_enrolment(ask.body), _request(ask, "POST"))
    return _answer(ask.services, host, nonce)


def me(ask: Ask) -> Answer:
    host, signed = authenticate_host(ask.services, _request(ask, "GET"))
    return _answer(ask.services, host, signed.nonce)


def report(ask: Ask) -> Answer:
    host, _ = authenticate_host(ask.services, _request(ask, "POST"))
    return document({"host_id": host.host_id, "packages": receive(ask.services, host, read_report(ask.body))}, cache=NEVER)


def _paper(kind: str) -> Handle:
    def give(ask: Ask) -> Answer:
        host = _by_host(ask)
        name = ask.path["name"]
        if name != (host.policy_name if kind == "policy" else host.trust_name):
            # Attack: a host of one group reads the rules of another.
            raise Refused("registry.absent", f"this host has no {kind} of that name", hint="see what it was enrolled for: mpp registry fleet status")
        with ask.services.database.read() as rows:
            return Answer(data=need(rows, kind, name).document, cache=NEVER)

    return give


def _by_host(ask: Ask) -> Host:
    return authenticate_host(ask.services, _request(ask, "GET"))[0]


# -- the administrator


def make_code(ask: Ask) -> Answer:
    _administrator(ask)
    code, until = new_code(ask.services, _read_wanted(ask.body))
    return document({"code": str(code), "until": until}, status=201, cache=NEVER)


def _read_wanted(data: bytes) -> Wanted:
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where="body"), "", faults)
    found = Wanted(
        label=fields.text("label", most=LABEL_CHARS_MAX),
        policy_name=fields.text("policy_name", most=FLEET_NAME_MAX, default="", least=0),
        trust_name=fields.text("trust_name", most=FLEET_NAME_MAX, default="", least=0),
        seconds=fields.number("seconds", least=1, most=CODE_SECONDS_MAX, default=CODE_SECONDS),
    )
    fields.end()
    faults.stop()
    for name in (found.policy_name, found.trust_name):
        if name:
            judged_name(name)
    return found


def list_codes(ask: Ask) -> Answer:
    _administrator(ask)
    with ask.services.database.read() as rows:
        return document({"codes": [code_json(one) for one in codes(rows)]}, cache=NEVER)


def list_hosts(ask: Ask) -> Answer:
    _administrator(ask)
    limit = ask.count("limit")
    with ask.services.database.read() as rows:
        found, logs = hosts(rows, ask.query["after"], limit), logs_of(rows)
    rows_json: list[Json] = [host_json(one, logs.get(one.host_id)) for one in found]
    return document({"hosts": rows_json, "next": found[-1].host_id if len(found) == limit else ""}, cache=NEVER)


def remove(ask: Ask) -> Answer:
    _administrator(ask)
    host = remove_host(ask.services, ask.path["host_id"])
    return document({"removed": host.host_id, "name": host.name}, cache=NEVER)


def list_papers(ask: Ask) -> Answer:
    _administrator(ask)
    with ask.services.database.read() as rows:
        return document({"documents": [paper_json(one) for one in papers(rows)]}, cache=NEVER)


def receive_root(ask: Ask) -> Answer:
    _administrator(ask)
    chain = put_root(ask.services, ask.body)
    return document({"fleet_id": chain.publisher_id, "name": chain.newest.name, "version": chain.newest.version}, cache=NEVER)


def receive_policy(ask: Ask) -> Answer:
    _administrator(ask)
    return document(paper_json(put_policy(ask.services, ask.path["name"], ask.body)), cache=NEVER)


def receive_trust(ask: Ask) -> Answer:
    _administrator(ask)
    return document(paper_json(put_trust(ask.services, ask.path["name"], ask.body)), cache=NEVER)


def show_inventory(ask: Ask) -> Answer:
    _administrator(ask)
    asked = Asked(
        package_id=ask.query["package"], status=ask.query["status"], host_id=ask.query["host"], only_active=ask.query["active"] == "1", after=ask.query["after"],
        limit=ask.count("limit"),
    )  # fmt: skip
    with ask.services.database.read() as rows:
        found = inventory(rows, asked)
    installed: list[Json] = [installed_json(one) for one in found]
    return document({"installed": installed, "next": found[-1].place if len(found) == asked.limit else ""}, cache=NEVER)


def show_alarms(ask: Ask) -> Answer:
    _administrator(ask)
    with ask.services.database.read() as rows:
        names = dict(names_of(rows))
        found: list[Json] = [alarm_json(one, names) for one in alarms(rows, ask.services.clock.now())]
    return document({"alarms": found}, cache=NEVER)


def close_alarms(ask: Ask) -> Answer:
    _administrator(ask)
    with ask.services.database.write() as rows:
        return document({"cleared": clear_alarms(rows, ask.path["host_id"], ask.query["kind"])}, cache=NEVER)


# -- the witness


def _said(said: Said) -> Answer:
    return Answer(status=said.status, data=said.body, media=said.kind, cache=NEVER)


def witness_about(ask: Ask) -> Answer:
    return _said(about(ask.services))


def witness_add(ask: Ask) -> Answer:
    return _said(add_checkpoint(ask.services, ask.body))


def witness_newest(ask: Ask) -> Answer:
    with ask.services.database.read() as rows:
        return _said(newest_of(rows, ask.path["digest"]))


# -- the table

WITNESS_SAYS = {
    200: "What was asked for.", 400: "It is no request to a witness.", 403: "The checkpoint is not signed by its log.", 404: "The log is not known here.",
    409: "The log goes on from another size; it is said which.", 422: "The proof does not hold.",
}  # fmt: skip
"""Its answers are texts, as C2SP tlog-witness has them."""


def _row(
    method: str, path: str, words: str, handle: Handle, auth: Auth, *, places: Sequence[Parameter] = (), query: Sequence[Parameter] = (), media: str = "",
    most: int = CODE_CHARS_MAX * 16, status: int = 200,
) -> Endpoint:  # fmt: skip
    name = re.sub("[^a-z]+", "_", f"{method.lower()}{path.removeprefix('/v1')}").strip("_")
    replies: tuple[Reply, ...] = (Reply(status=status, words="What was asked for."),)
    if path.startswith("/v1/fleet/witness"):
        replies = tuple(Reply(status=code, words=said, media="text/plain; charset=utf-8") for code, said in WITNESS_SAYS.items())
    return Endpoint(
        method=method, path=path, name=name, words=words, tag="fleet", handle=handle, replies=replies, auth=auth, places=tuple(places), query=tuple(query),
        body_media=media, body_max=most,
    )  # fmt: skip


def _of_hosts() -> tuple[Endpoint, ...]:
    return (
        _row("POST", "/v1/fleet/hosts", "A host comes in with a code.", enrol_host, "open", media=JSON, most=ENROLMENT_BYTES_MAX),
        _row("GET", "/v1/fleet/me", "What an enrolled host is to follow.", me, "open"),
        _row("POST", "/v1/fleet/reports", "A host says what runs on it.", report, "open", media=JSON, most=REPORT_BYTES_MAX),
        _row("GET", "/v1/fleet/policies/{name}", "The newest policy bundle of a host.", _paper("policy"), "open", places=(NAME,)),
        _row("GET", "/v1/fleet/trust/{name}", "The newest trust bundle of a host.", _paper("trust"), "open", places=(NAME,)),
        _row("GET", "/v1/fleet/witness", "The registry's witness and its key.", witness_about, "open"),
        _row(
            "POST",
            "/v1/fleet/witness/add-checkpoint",
            "Cosign a checkpoint, as C2SP tlog-witness says.",
            witness_add,
            "open",
            media=TEXT,
            most=REQUEST_BYTES_MAX,
        ),
        _row("GET", "/v1/fleet/witness/checkpoint/{digest}", "The checkpoint of a record that was cosigned last.", witness_newest, "open", places=(DIGEST,)),
    )


def _of_administrators() -> tuple[Endpoint, ...]:
    return (
        _row("POST", "/v1/fleet/codes", "A code for one host.", make_code, "admin", media=JSON, status=201),
        _row("GET", "/v1/fleet/codes", "Codes, and who used them.", list_codes, "admin"),
        _row("GET", "/v1/fleet/hosts", "The hosts of the fleet.", list_hosts, "admin", query=(AFTER, LIMIT)),
        _row("DELETE", "/v1/fleet/hosts/{host_id}", "Take a host out of the fleet.", remove, "admin", places=(HOST,)),
        _row("GET", "/v1/fleet/documents", "What is signed for the fleet.", list_papers, "admin"),
        _row("PUT", "/v1/fleet/root", "Who signs for the fleet.", receive_root, "admin", media=JSON, most=ROOTS_BYTES_MAX),
        _row("PUT", "/v1/fleet/policies/{name}", "A policy bundle.", receive_policy, "admin", places=(NAME,), media=JSON, most=BUNDLE_BYTES_MAX),
        _row("PUT", "/v1/fleet/trust/{name}", "A trust bundle.", receive_trust, "admin", places=(NAME,), media=JSON, most=TRUST_BUNDLE_BYTES_MAX),
        _row("GET", "/v1/fleet/inventory", "What runs where.", show_inventory, "admin", query=(PACKAGE, STATUS, ONE_HOST, ACTIVE, AFTER, LIMIT)),
        _row("GET", "/v1/fleet/alarms", "What people must hear of.", show_alarms, "admin"),
        _row("DELETE", "/v1/fleet/hosts/{host_id}/alarms", "Somebody has looked into them.", close_alarms, "admin", places=(HOST,), query=(KIND,)),
    )


def fleet_endpoints(_services: Services | None = None) -> tuple[Endpoint, ...]:
    return (*_of_hosts(), *_of_administrators())
