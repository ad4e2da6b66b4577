"""Reporting checklists, filled in as far as a study's files know: `page` writes what `claim` and `tripod` list."""
