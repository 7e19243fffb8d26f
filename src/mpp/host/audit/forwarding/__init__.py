"""Handing the record on: the log is the spool, and a cursor for each target says how far it came. Spec: audit section 9."""
