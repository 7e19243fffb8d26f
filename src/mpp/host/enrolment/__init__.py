"""A host as a member of a fleet: joining it, taking its policy and trust, reporting what runs. Import what you need from its modules."""
