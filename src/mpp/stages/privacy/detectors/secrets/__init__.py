"""Detectors of secrets: by the mark of their issuer, by their form, by the file they stand in, by their name."""

from __future__ import annotations

from mpp.stages.privacy.detectors.secrets import blocks, files, looks, named

DETECTORS = (*looks.DETECTORS, *blocks.DETECTORS, *files.DETECTORS, *named.DETECTORS)
