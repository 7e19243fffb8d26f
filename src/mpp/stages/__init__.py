"""The seven stages, in the order a package meets them. Names only: importing this loads no stage."""

STAGES = ("archive", "gatekeeper", "policy", "approval", "sandbox", "privacy", "audit")
