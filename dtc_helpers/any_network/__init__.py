"""Compress-train of any `torch.nn.Module`, on the dependency graph of Torch-Pruning."""
