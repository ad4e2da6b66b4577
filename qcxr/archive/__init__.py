"""A finished study as one folder or zip that others can check, cite and evaluate again. docs/archive.md shows it."""
