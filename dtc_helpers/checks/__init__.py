"""Checks of what is given: types, limits and names, beside the fields they belong to."""
