"""Advisories, which everybody can prove, and reports, which the people of the registry read.

Takes: ``AdvisoryBody`` by an owner or an administrator; ``ReportBody`` by anybody.
Gives: ``AdvisoryDoc`` with a leaf; a queue of ``Report``.
Refuses: ``registry.owned``, ``registry.exists``, ``registry.rate``, ``registry.form``.
Limits: limits.py.
"""

from mpp_registry.advisories.advising import advisories_page, list_advisories, publish_advisory
from mpp_registry.advisories.reporting import Report, close_report, report, reports

__all__ = ("Report", "advisories_page", "close_report", "list_advisories", "publish_advisory", "report", "reports")
