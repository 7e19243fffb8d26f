"""The demands that the report speaks to: what each asks for, which entries bear on it, what they cannot show, what a person must write. Data.

The words are ours; whoever relies on a demand reads the text of the law or the framework itself.
"""

from __future__ import annotations

from typing import NamedTuple

GDPR = "GDPR, Regulation (EU) 2016/679"
HIPAA = "HIPAA Security Rule, 45 CFR Part 164"
AI_ACT = "EU AI Act, Regulation (EU) 2024/1689"
NIST = "NIST AI RMF 1.0"


class Demand(NamedTuple):
    framework: str
    id: str
    title: str
    asks: str
    shows: str
    topics: tuple[str, ...]
    missing: tuple[str, ...]
    """Holds always: what no record of calls can show."""
    blanks: tuple[str, ...] = ()


NEEDS = {
    "redactions": "No privacy filter took anything out: the record has no such entry, so what tools answered went out as they wrote it.",
    "narrowed": "No right was made narrower than the package asks for in this period.",
    "strong": "Nobody proved to be the person who answered: no answer came with a passphrase, a security key or from another user.",
    "questions": "No person was asked about any call in this period.",
    "proven": "No agent proved who it is in this period.",
    "erased": "Nothing was erased in this period. The record does not know whether anybody asked for it.",
    "stops": "No stop was put or lifted in this period: that stopping works has not been shown.",
    "policies": "No policy was loaded or changed in this period: see an earlier one for the policy that was in force.",
    "consents": "Nobody agreed to what a package declares in this period: see an earlier one.",
    "decisions": "No decision of policy stands in this period.",
    "calls": "No call ran in this period.",
    "out": "Nothing that came out of a call is committed to in this period.",
    "users": "No entry names a user: the record cannot say on whose behalf calls were made.",
    "receipts": "No signed receipt stands in this period.",
}
"""What is said where a demand rests on entries that are not there."""

WARNS = {
    "weak": "Some answers show only that somebody sat at the terminal: an agent that runs as the same user can type, too.",
    "unproven": "Some calls came from agents that did not prove who they are.",
    "clear": "Some entries name a user in clear and not by a pseudonym: such a name cannot be erased from the record.",
    "echoed": "The output of some calls repeated a secret.",
    "interrupted": "Of some calls the end is not known: the process that ran them was gone.",
    "torn": "A crash cut the end of the record; what was cut had not been acknowledged, and its digest is kept.",
    "unreadable": "Some lines are no entry: `mpp audit verify --deep` says which.",
    "by_policy": "Some calls ran by policy alone: whether that is right for what they do is for a person to say.",
    "pruned": "Parts of the record were removed; of these only seals and proofs are left.",
}
"""What is said where entries are there that speak against it."""

DEMANDS = (
    Demand(
        GDPR, "5(1)(b)", "Purpose limitation",
        "Personal data is collected for named purposes and not used for others.",
        "Each call is judged by a policy and gets rights for what its package declares, and no more; agreements say who accepted that.",
        ("decisions", "denied", "tokens", "consents", "withdrawn", "hosts", "unproven"),
        ("The purpose of a call: the record knows which tool ran, not what for.",),
        ("Purposes of the processing, for each tool", "Legal basis, for each purpose"),
    ),
    Demand(
        GDPR, "5(1)(c)", "Data minimisation",
        "Personal data is limited to what the purpose needs.",
        "Rights are given for one call and can be made narrower; the record itself holds commitments and pseudonyms in place of payloads and names.",
        ("tokens", "narrowed", "redactions", "in", "out", "users", "clear", "echoed"),
        ("Whether the arguments of a call held more than it needed: the record does not hold them.",),
        ("Why each tool needs the data that it is given",),
    ),
    Demand(
        GDPR, "5(2)", "Accountability",
        "Who is responsible can demonstrate that the principles are kept.",
        "Decisions, agreements, approvals and changes stand in a record whose integrity is stated above, each with its number.",
        ("entries", "decisions", "consents", "yes", "no", "policies", "trust", "unreadable"),
        ("Processing outside of MPP.",),
        ("Controller and contact", "Where the records of processing activities (article 30) are kept"),
    ),
    Demand(
        GDPR, "17", "Right to erasure",
        "Data about a person is erased on request, where no reason to keep it remains.",
        "An erasure overwrites the salts and the vault's records of the named entries and is recorded; chain and proofs stay whole.",
        ("erased", "users", "clear", "pruned"),
        (
            "Requests themselves, and when they were answered.", "Copies that tools or other hosts made.",
            "Names of approvers and of who changed what: they stand in the record in clear, for accountability, and stay.",
        ),
        ("Requests received, and dates of the answers", "Requests that were declined, and why"),
    ),
    Demand(
        GDPR, "35", "Data protection impact assessment",
        "Where processing is likely to be a high risk, its impact is assessed beforehand.",
        "Scores of risk, what calls connected to and which secrets they used can go into the assessment. They are not the assessment.",
        ("risky", "decisions", "denied", "questions", "hosts", "secrets"),
        ("The assessment: it must be written by a person.",),
        (
            "Description of the processing and its purposes", "Necessity and proportionality", "Risks to the rights of people", "Measures against them",
            "Advice of the data protection officer", "Date, and who signed it",
        ),
    ),
    Demand(
        HIPAA, "164.312(b)", "Audit controls",
        "Activity in systems with electronic health information is recorded and can be examined.",
        "Every call leaves an intent before it runs and a result after; refusals and denials are recorded as well.",
        ("entries", "calls", "results", "refusals", "interrupted", "unreadable"),
        ("Activity in systems that are not called through MPP.",),
        ("Which systems with health information are in scope",),
    ),
    Demand(
        HIPAA, "164.312(c)(1)", "Integrity",
        "Electronic health information is protected against improper change and destruction.",
        "For the record: a hash chain, a Merkle tree and signed checkpoints, judged above. For payloads: commitments by which a copy can be compared.",
        ("in", "out", "receipts", "epochs", "torn", "unreadable"),
        ("The integrity of the health information itself, where it is stored.",),
        ("How stored health information is protected",),
    ),
    Demand(
        HIPAA, "164.312(d)", "Person or entity authentication",
        "Who seeks access is verified to be the one claimed.",
        "Agents prove who they are by a token or a signature over the call; people who approve, by a passphrase, a security key or another user account.",
        ("proven", "unproven", "strong", "weak", "not_held"),
        ("Logging in to this machine and to the systems behind the tools.",),
        ("How accounts of people and agents are issued and ended",),
    ),
    Demand(
        HIPAA, "164.308(a)(1)(ii)(D)", "Information system activity review",
        "Records of activity are reviewed regularly.",
        "What a reviewer looks at: refusals, denials, faults, stops, changes of policy and trust. This report is material for a review, not the review.",
        ("refusals", "denied", "failed", "not_held", "stops", "policies", "trust"),
        ("That anybody read it: reading the record leaves no entry.",),
        ("Reviewer", "Date of the review", "Findings, and what was done"),
    ),
    Demand(
        AI_ACT, "12", "Record-keeping",
        "A high-risk system records events automatically over its lifetime, so that it can be traced.",
        "Each call is recorded with time, agent, exact package, decision, commitments to input and output, and its end.",
        ("entries", "calls", "results", "decisions", "in", "out", "interrupted", "unreadable"),
        ("What the model did between two calls: MPP sees calls of tools only.",),
        ("Whether the system is a high-risk one, and why",),
    ),
    Demand(
        AI_ACT, "14", "Human oversight",
        "People can oversee the system while it is used: understand it, decide against it, stop it.",
        "Questions show one exact call; a person says yes or no; a stop ends a tool, a publisher or everything from the next call on.",
        ("questions", "yes", "no", "spent", "standing", "by_policy", "stops", "weak"),
        ("Whether those who oversee are able to: training, time, and no pressure to say yes.",),
        ("Who oversees, and by what training", "Which calls must go to a person, and why the others need not"),
    ),
    Demand(
        AI_ACT, "19", "Automatically generated logs",
        "Providers keep the logs under their control for as long as the purpose asks, and at least six months.",
        "First and last entry of the record, and what was removed from it.",
        ("entries", "pruned", "torn"),
        ("How long the record is kept from now on.",),
        ("Retention period, and its reason", "Where copies are kept"),
    ),
    Demand(
        AI_ACT, "26", "Obligations of deployers",
        "Deployers use the system as instructed, assign oversight, monitor it, keep its logs at least six months and inform those concerned.",
        "Who approved and stopped; what failed and was refused; how far back the record goes.",
        ("yes", "no", "stops", "failed", "refusals", "entries"),
        ("Whether instructions for use were followed, and whether workers and other people were informed.",),
        ("Instructions for use that apply", "Persons to whom oversight is assigned", "How and when people were informed", "Serious incidents, and to whom they were reported"),
    ),
    Demand(
        NIST, "GOVERN 1.6", "Inventory",
        "There is an inventory of AI systems, by their priority.",
        "The inventory below: which agents use which tools, down to the exact bytes of a package.",
        ("calls", "consents", "users"),
        ("AI systems that call no tool through MPP.",),
        ("Priority of each system",),
    ),
    Demand(
        NIST, "GOVERN 3.2", "Roles in oversight",
        "Roles of people in configurations of people and AI are defined and told apart.",
        "Approvers stand in the record with the strength of their proof; changes of who may approve are recorded.",
        ("yes", "no", "strong", "weak", "trust"),
        ("The definition of the roles.",),
        ("Roles and responsibilities",),
    ),
    Demand(
        NIST, "MAP 4.2", "Controls of components, also of others",
        "Internal controls of risk are identified for the components, those of third parties among them.",
        "Each package is verified, pinned to its publisher and held to what it declares; policy decides on each call.",
        ("consents", "withdrawn", "refusals", "decisions", "policies"),
        ("Risks of the model itself.",),
        ("Third parties, and what was agreed with them",),
    ),
    Demand(
        NIST, "MEASURE 2.4", "Monitoring in production",
        "How the system and its components behave is monitored while they are used.",
        "Outcomes of calls, what they connected to, and what was refused.",
        ("results", "failed", "interrupted", "refusals", "hosts"),
        ("Quality of the answers.",),
        ("Thresholds, and who is alerted",),
    ),
    Demand(
        NIST, "MEASURE 2.8", "Transparency and accountability",
        "Risks to transparency and accountability are examined and documented.",
        "Each call can be told as a story, entry by entry, and proven to others.",
        ("entries", "receipts", "unproven", "by_policy"),
        ("Explanations of what a model decided.",),
        ("Findings of the examination",),
    ),
    Demand(
        NIST, "MEASURE 2.10", "Privacy risk",
        "Risks to privacy are examined and documented.",
        "Commitments in place of payloads, pseudonyms in place of names, erasures on request.",
        ("redactions", "users", "clear", "erased", "echoed"),
        ("Which personal data the tools process.",),
        ("Findings of the examination",),
    ),
    Demand(
        NIST, "MANAGE 2.4", "Superseding and deactivating",
        "There are mechanisms to supersede, disengage or deactivate what behaves against its purpose, with responsibilities assigned.",
        "Stops hold from the next call on; agreements and lasting approvals can be taken back.",
        ("stops", "withdrawn", "denied"),
        ("Whether a stop would be put in time.",),
        ("Who may stop what, and when they must",),
    ),
    Demand(
        NIST, "MANAGE 4.1", "Monitoring after deployment",
        "Plans for monitoring after deployment are carried out, with appeal and override, response to incidents and change.",
        "Refusals, overrides by people and changes of policy as they happened.",
        ("no", "stops", "policies", "failed", "refusals"),
        ("The plan.",),
        ("Plan for monitoring, and for incidents",),
    ),
)  # fmt: skip
