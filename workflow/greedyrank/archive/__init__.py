"""Recorded builds that can be passed on: packed, described as linked data, verified and drawn again."""
