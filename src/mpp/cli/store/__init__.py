"""What the commands of the package store share: where packages are found, who is asked, and how a change is shown."""
