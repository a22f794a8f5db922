"""From recorded runs to labelled measures."""
