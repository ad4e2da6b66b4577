"""Timed comparisons of our code with its peers, side by side in one run."""
