"""Helpers of the compress-train pruning notebooks (Dual Tomographic Compression, arXiv:2505.23869)."""

__version__ = "0.1.0"
