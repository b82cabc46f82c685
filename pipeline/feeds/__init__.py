"""Sources of documents behind the `Feed` port."""
