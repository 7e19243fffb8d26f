"""Which builds may publish what: a publisher names an issuer, claims that its tokens must hold, and package ids."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mpp.errors import Refused
from mpp.model.fields import Faults, Fields
from mpp.model.jsontext import Json, canonical, read, shown
from mpp.model.names import PACKAGE_ID, PACKAGE_ID_FORM
from mpp.model.limits import PACKAGE_ID_MAX
from mpp.model.value import value
from mpp_registry.oidc.limits import CLAIM_CHARS_MAX, RULE_CLAIMS_MAX, RULE_PACKAGES_MAX, RULES_EACH_MAX
from mpp_registry.publishing.actor import Actor, demand_key
from mpp_registry.publishing.chains import demand_current
from mpp_registry.services import Services
from mpp_registry.store.ports import Rows

ID_BYTES = 12
NAMING = frozenset(("sub", "repository", "repository_id", "project_path", "project_id", "job_workflow_ref", "email", "azp"))
"""Claims that say whose build it is. Without one of them, a rule would believe everybody's builds at that issuer."""

_CLAIM = re.compile(r"[A-Za-z0-9_./:-]{1,100}")
_OURS = frozenset(("iss", "aud", "exp", "iat", "nbf", "jti"))
"""Judged for each token; a rule about them would only seem to say something."""


@value
class OidcRule:
    rule_id: str
    publisher_id: str
    issuer: str
    claims: Mapping[str, str]
    packages: tuple[str, ...]
    at: int = 0

    def fits(self, found: Mapping[str, Json]) -> bool:
        """Does the token hold every claim, with exactly this text?"""
        return all(found.get(name) == text for name, text in self.claims.items())


def read_rule(data: bytes, *, where: str) -> OidcRule:
    """``{"issuer": …, "claims": {…}, "packages": [...]}`` as a publisher writes it."""
    faults = Faults("registry")
    fields = Fields(read(data, family="registry", where=where), "", faults)
    inner = fields.object("claims")
    claims = {} if inner is None else {name: inner.text(name, most=CLAIM_CHARS_MAX) for name in list(inner.found)[: RULE_CLAIMS_MAX + 1]}
    if not 1 <= len(claims) <= RULE_CLAIMS_MAX or any(_CLAIM.fullmatch(name) is None or name in _OURS for name in claims):
        faults.add(
            "form", "/claims", f"must name 1 to {RULE_CLAIMS_MAX} claims other than {', '.join(sorted(_OURS))}", "name repository, workflow, ref, environment"
        )
    # Attack: a rule that holds for every build of the service, those of strangers too.
    elif not NAMING & claims.keys():
        faults.add("form", "/claims", "says of no claim whose build it is", f"name one of {', '.join(sorted(NAMING))}")
    rule = OidcRule(
        rule_id="",
        publisher_id="",
        issuer=fields.text("issuer", most=CLAIM_CHARS_MAX),
        claims=claims,
        packages=fields.texts(
            "packages", most=RULE_PACKAGES_MAX, each_most=PACKAGE_ID_MAX, required=True, least=1, pattern=PACKAGE_ID, form=PACKAGE_ID_FORM
        ),
    )  # fmt: skip
    fields.end()
    faults.stop()
    return rule


def add_rule(services: Services, rule: OidcRule, actor: Actor) -> OidcRule:
    demand_key(actor)
    now = services.clock.now()
    made = OidcRule(
        rule_id=services.random.bytes(ID_BYTES).hex(), publisher_id=actor.publisher_id, issuer=rule.issuer, claims=rule.claims, packages=rule.packages, at=now
    )
    with services.database.write() as rows:
        demand_current(rows, actor)
        if rows.one("SELECT 1 FROM oidc_issuers WHERE issuer = ?", rule.issuer) is None:
            raise Refused(
                "registry.oidc", f"this registry does not believe the issuer {shown(rule.issuer)!r}", where="issuer", hint="ask its operator to add it"
            )
        count = rows.one("SELECT COUNT(*) FROM oidc_rules WHERE publisher_id = ?", actor.publisher_id)
        if count is not None and int(count[0] or 0) >= RULES_EACH_MAX:
            raise Refused("registry.quota", f"a publisher has at most {RULES_EACH_MAX} rules", where="rules", hint="remove one")
        rows.run(
            "INSERT INTO oidc_rules (rule_id, publisher_id, issuer, claims, packages, at) VALUES (?, ?, ?, ?, ?, ?)",
            made.rule_id, made.publisher_id, made.issuer, canonical(dict(made.claims)).decode("utf-8"), " ".join(made.packages), now,
        )  # fmt: skip
    return made


def remove_rule(services: Services, rule_id: str, actor: Actor) -> bool:
    """With the rule, every token that it gave ends."""
    demand_key(actor)
    with services.database.write() as rows:
        demand_current(rows, actor)
        gone = rows.run("DELETE FROM oidc_rules WHERE rule_id = ? AND publisher_id = ?", rule_id, actor.publisher_id) > 0
        if gone:
            rows.run("DELETE FROM tokens WHERE rule_id = ?", rule_id)
    return gone


def rules_of(rows: Rows, publisher_id: str) -> tuple[OidcRule, ...]:
    return _read_rows(
        rows.all("SELECT rule_id, publisher_id, issuer, claims, packages, at FROM oidc_rules WHERE publisher_id = ? ORDER BY at, rule_id", publisher_id)
    )


def rules_for(rows: Rows, issuer: str, package_id: str) -> tuple[OidcRule, ...]:
    """Of publishers that own or maintain the package; while nobody does, of all who name it."""
    owned = rows.one("SELECT 1 FROM package_owners WHERE package_id = ?", package_id) is not None
    if owned:
        # Found from the owners, who are few: an issuer such as a large build service has very many rules.
        found = rows.all(
            "SELECT r.rule_id, r.publisher_id, r.issuer, r.claims, r.packages, r.at FROM package_owners o JOIN oidc_rules r"
            " ON r.publisher_id = o.publisher_id WHERE o.package_id = ? AND r.issuer = ? ORDER BY r.rule_id",
            package_id, issuer,
        )  # fmt: skip
    else:
        found = rows.all(
            "SELECT rule_id, publisher_id, issuer, claims, packages, at FROM oidc_rules WHERE issuer = ? AND (' ' || packages || ' ') LIKE ? ORDER BY rule_id",
            issuer, f"% {package_id} %",
        )  # fmt: skip
    return tuple(rule for rule in _read_rows(found) if package_id in rule.packages)


def _read_rows(found: list[tuple[str | int | bytes | None, ...]]) -> tuple[OidcRule, ...]:
    out: list[OidcRule] = []
    for rule_id, publisher_id, issuer, claims, packages, at in found:
        table = read(str(claims).encode("utf-8"), family="registry", where="rule")
        named = {name: str(text) for name, text in table.items()} if isinstance(table, dict) else {}
        out.append(
            OidcRule(
                rule_id=str(rule_id),
                publisher_id=str(publisher_id),
                issuer=str(issuer),
                claims=named,
                packages=tuple(str(packages).split(" ")),
                at=int(at or 0),
            )
        )
    return tuple(out)
