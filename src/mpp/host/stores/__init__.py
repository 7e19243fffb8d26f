"""Where the host keeps what outlives a call."""
