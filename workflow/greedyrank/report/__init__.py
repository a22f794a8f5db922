"""What there is, at a glance: the page of results and the tracked record."""
