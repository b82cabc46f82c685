"""What happens to a document, and what is counted."""
