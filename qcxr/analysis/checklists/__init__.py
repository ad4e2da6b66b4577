"""Reporting checklists, filled in as far as a study's own files know: `page` writes them, `claim` and `tripod` list them."""
