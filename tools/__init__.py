"""What stands behind the targets of the Makefile."""
