"""When something is worth saying, to whom, and whether it was said already."""
