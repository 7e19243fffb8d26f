"""Services for the machines of an organisation: enrolment, signed policies and trust, witnessing, and what runs where.

The registry hands on what others signed. It can make neither a policy nor trust. Spec: spec/fleet.md.
"""
