"""The compliance report: what the record shows for the demands of laws and frameworks, and what it cannot show. Pure.

Takes: the lines of a record, in order, once; what its verification said.
Gives: a ``Report``; the same as a page and as JSON. It never says that a demand is met.
"""

from mpp.stages.audit.report.document import report_json as report_json
from mpp.stages.audit.report.gathering import gather as gather
from mpp.stages.audit.report.page import report_html as report_html
from mpp.stages.audit.report.reporting import report_of as report_of
from mpp.stages.audit.report.types import Control as Control, Integrity as Integrity, Inventory as Inventory, Period as Period, Report as Report
