"""Figures: each function draws on the Axes it is given and computes nothing."""
