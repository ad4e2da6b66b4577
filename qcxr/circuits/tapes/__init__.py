"""Circuits of one's own: a tape of gates, and what runs it."""
