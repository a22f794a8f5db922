"""How fast training steps are, and whether devices agree."""
