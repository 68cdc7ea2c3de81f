"""Runs of notebook 1: parameters, the loop over readings and methods, results and their provenance."""
