"""What a notebook calls; `greedyrank` has the names."""
