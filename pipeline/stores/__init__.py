"""SQL, Redis and their in-memory twins behind the ports."""
