"""Reporting checklists, filled in as far as a study's files know: `page` writes them, `claim` and `tripod` list them."""
