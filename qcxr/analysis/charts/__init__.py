"""Charts of the report, as inline SVG: from rows of `qcxr.analysis.evidence` to text, without matplotlib.

Their colours are the page's CSS variables (`templates/report.css`), so that they follow its light and its dark theme.
"""
