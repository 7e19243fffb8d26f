"""What an operator does beside serving: a backup, and a look at whether it would hold."""
