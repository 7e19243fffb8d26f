"""``mpp privacy``: one module for each of its commands."""
