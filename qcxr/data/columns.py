"""The columns of a manifest and of a packed split's index, known to everything that reads them."""

import pandas as pd

SPLITS = ("train", "val", "test")
KEYS = ("image_id", "patient_id", "path", "split")
OPTIONAL = ("view", "age", "sex")
PLACE = ("file", "row")  # the index of a reader's frame: the label file, and its data row from 1
ISSUES = ("image_id", "path", "issue", "detail")


def labels_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """The label columns of a manifest or of a packed split's index, in the file's order."""
    return tuple(column for column in frame.columns if column not in (*KEYS, *OPTIONAL))


def place(index: pd.Index, position: int) -> str:
    """Where a row of a frame comes from: its label file, if a reader made the frame."""
    if tuple(index.names) != PLACE:
        return f"row {position}"
    file, row = index[position]
    return f"data row {row} of {file}"
