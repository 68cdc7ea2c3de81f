"""The proposition on trial: processes, null models, and what is left between them."""
