"""Images and labels: named datasets, found, checked and read."""
