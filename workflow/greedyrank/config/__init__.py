"""The config: its grammar, its defaults from the papers' folders, and messages for what is wrong."""
