"""Backbones, heads and how they are put together; which parameters train."""
