"""Whole or absent: the data room's atomic writers, under the name that the workflow's analysis scripts use."""

from qcxr.data.atomic import write_csv, write_text

__all__ = ["write_csv", "write_text"]
