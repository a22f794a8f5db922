"""The page of results, the tracked record, and the tables of the READMEs."""
