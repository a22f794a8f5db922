"""Interactive twins of figures, for the page: made from what matplotlib has drawn."""
