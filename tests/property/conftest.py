"""How long properties are searched: a few seconds, or as long as it takes with MPP_HYPOTHESIS=deep."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=SLOW_IS_FINE)
settings.register_profile("deep", max_examples=100_000, deadline=None, database=None, suppress_health_check=SLOW_IS_FINE)
settings.load_profile("deep" if os.environ.get("MPP_HYPOTHESIS") == "deep" else "quick")
