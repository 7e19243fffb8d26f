"""What pages show, made of what the stores hold: pure functions from frozen values to frozen values."""
