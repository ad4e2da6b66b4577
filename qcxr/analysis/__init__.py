"""From prediction tables to statistics, figures, tables and the report. Never imports JAX."""
