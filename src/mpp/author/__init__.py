"""The author's side: a new project, its compiled module, the packed and signed file.

Nothing is imported here, so that a command loads only what it needs.
"""
