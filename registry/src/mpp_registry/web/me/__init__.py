"""What a publisher sees of its own packages on the web site. It reads and changes nothing; each change is a signed request of the command line."""
