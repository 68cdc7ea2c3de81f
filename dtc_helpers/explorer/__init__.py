"""The explorer: views of the method that move when they are touched, as widgets in a notebook and as one page."""
