"""Claims: the statistics that each figure's published statements are checked by."""
