"""Sweeps of notebooks over grids of parameters, on Dask."""
