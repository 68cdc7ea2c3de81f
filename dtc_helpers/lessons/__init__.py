"""What the lessons compute, and their exercises: one file a lesson."""
