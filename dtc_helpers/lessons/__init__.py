"""Computations and exercises of the lessons, one file a lesson."""
