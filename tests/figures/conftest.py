"""Tests of every figure and every sweep at smoke scale; their time grows with the papers."""

from greedyrank import clean_room

clean_room.enter()  # as every job does, and before numpy is imported
