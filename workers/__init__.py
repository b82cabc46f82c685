"""Which processes run and how they are wired."""
