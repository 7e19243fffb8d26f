"""How fast the privacy filter is on this machine, beside others that are installed."""
