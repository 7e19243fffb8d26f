"""Trusted publishing: a build proves by a token of its service which repository it is of, and may publish what a rule says.

Takes: issuers that the operator believes, rules of publishers, tokens of builds.
Gives: ``IssuedToken`` for fifteen minutes; it publishes the named packages and does nothing else.
Refuses: ``registry.oidc``, ``registry.replay``, ``agent.jws*`` and ``agent.signature``.
Limits: limits.py.
"""

from mpp_registry.oidc.exchanging import IssuedToken, exchange
from mpp_registry.oidc.issuers import add_issuer, remove_issuer
from mpp_registry.oidc.rules import OidcRule, add_rule, read_rule, remove_rule, rules_of

__all__ = ("IssuedToken", "OidcRule", "add_issuer", "add_rule", "exchange", "read_rule", "remove_issuer", "remove_rule", "rules_of")
