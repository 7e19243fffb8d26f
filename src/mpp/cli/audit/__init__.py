"""``mpp audit``: one module for each of its commands."""
