"""The read side: REST, server-sent events and one page."""
