"""Policies to begin with, as the text that ``mpp policy show`` prints and a person edits. Spec: spec/3-policy.md section 1."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from mpp.errors import Refused
from mpp.model.fields import near
from mpp.model.jsontext import shown
from mpp.stages.policy.document import Policy
from mpp.stages.policy.reading import parse_policy

_DEVELOPER = """\
mpp_policy = 1
name = "developer"
description = "For one person at a machine: what is low in risk runs after the first yes, everything else is asked."

[[rules]]
id = "allow-the-rest"
effect = "allow"
why = "nothing speaks against it"

[[rules]]
id = "ask-first-use"
effect = "ask"
why = "the package asks for something and nobody has agreed to it yet"
consented = false
asks = true

[[rules]]
id = "ask-above-low-risk"
effect = "ask"
why = "the risk is more than low"
risk = { least = 25 }

[[rules]]
id = "ask-sensitive-tools"
effect = "ask"
why = "the publisher says that the tool is sensitive"
security_levels = ["medium", "high", "critical"]
"""

_CI = """\
mpp_policy = 1
name = "ci"
description = "For pipelines: nobody is there to be asked, so a known list runs and everything else is refused."

[[rules]]
id = "allow-listed"
effect = "allow"
why = "the package is on the list of this pipeline"
# Put your own list in place of "*": packages that are bound to their publisher on this machine.
packages = ["*"]
bound = true
security_levels = ["low", "medium"]
risk = { most = 49 }

[[rules]]
id = "deny-others"
effect = "deny"
why = "only pipelines may call tools here"
origins = ["model", "human"]
"""

_FLEET = """\
mpp_policy = 1
name = "fleet"
description = "For many machines: only publishers that the administrator has bound, and a person for whatever reaches outside."

[[rules]]
id = "allow-bound"
effect = "allow"
why = "the administrator has bound the package to its publisher"
bound = true

[[rules]]
id = "deny-unbound"
effect = "deny"
why = "the administrator has not bound this package to its publisher"
bound = false

[[rules]]
id = "ask-for-anything"
effect = "ask"
why = "the package asks for something outside its own computation"
asks = true

[[rules]]
id = "ask-sensitive-tools"
effect = "ask"
why = "the publisher says that the tool is sensitive"
security_levels = ["medium", "high", "critical"]

[[rules]]
id = "ask-above-low-risk"
effect = "ask"
why = "the risk is more than low"
risk = { least = 25 }

[[rules]]
id = "ask-two-for-critical-tools"
effect = "ask"
why = "the tool is critical: two people decide, each with a passphrase"
security_levels = ["critical"]
limits = { strength = "passphrase", approvers = 2 }

[[rules]]
id = "ask-two-for-critical-risk"
effect = "ask"
why = "the risk is critical: two people decide, each with a passphrase"
risk = { least = 75 }
limits = { strength = "passphrase", approvers = 2 }
"""

PRESETS: Mapping[str, str] = MappingProxyType({"developer": _DEVELOPER, "ci": _CI, "fleet": _FLEET})


@cache
def preset(name: str) -> Policy:
    if name not in PRESETS:
        hint = near(name, PRESETS) or f"take one of {', '.join(PRESETS)}"
        raise Refused("policy.preset", f"there is no preset {shown(name)!r}", where=shown(name), hint=hint)
    return parse_policy(PRESETS[name].encode("utf-8"), where=f"preset {name}")
