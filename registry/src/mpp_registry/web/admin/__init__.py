"""The pages of administrators: who they are, what waits for them, what they do and did."""
