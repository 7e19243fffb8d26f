"""Detectors of secrets: by the mark of their issuer, by their form, by their name."""

from __future__ import annotations

from mpp.stages.privacy.detectors.secrets import blocks, looks, named

DETECTORS = (*looks.DETECTORS, *blocks.DETECTORS, *named.DETECTORS)
