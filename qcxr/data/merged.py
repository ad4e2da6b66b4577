"""One row per film: several rows of a film made one, and a film that is listed twice refused."""

import pandas as pd

from qcxr.data.columns import place
from qcxr.errors import InputError
from qcxr.study.table import Table


def one_row_each(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """One row per film: of several rows the first, with the labels that `rows` makes of all."""
    twice = frame["image_id"].duplicated(keep=False)
    if not twice.any():
        _refuse_twice(frame, frame["path"].duplicated(), "path")
        return frame
    if table.rows == "refuse":
        _refuse_twice(frame, frame["image_id"].duplicated(), "image_id")
    keys = ["patient_id", "path", "split"]
    first = frame[~frame["image_id"].duplicated()]
    same = first.set_index("image_id")[keys].reindex(frame["image_id"]).to_numpy() == frame[keys].to_numpy()
    if not same.all():
        at = int((~same.all(axis=1)).argmax())
        key = keys[int((~same[at]).argmax())]
        raise InputError(
            f"film {frame['image_id'].iloc[at]} has another {key} in {place(frame.index, at)} than in an earlier row; "
            "correct one of them"
        )
    labels = [name for name in frame.columns if name not in ("image_id", *keys)]
    grouped = frame.groupby("image_id", sort=False)[labels]
    if table.rows == "any":
        some = frame[labels].isna().groupby(frame["image_id"], sort=False).any()
        merged = grouped.max()
        merged = merged.mask(merged.eq(0) & some)  # nobody saw it, and somebody did not know
    else:
        share = grouped.mean()
        merged = share.gt(0.5).astype(float).where(share.notna())
    merged = merged.set_axis(first.index)
    result = pd.concat([first[["image_id", *keys]], merged], axis=1)
    _refuse_twice(result, result["path"].duplicated(), "path")
    return result


def _refuse_twice(frame: pd.DataFrame, twice: pd.Series, key: str) -> None:
    if not twice.any():
        return
    at = int(twice.argmax())
    value = frame[key].iloc[at]
    before = int((frame[key] == value).argmax())
    way_out = (
        "list each film once, take columns that tell films apart (id), or say what several rows mean (rows)"
        if key == "image_id"
        else "list each film once"
    )
    raise InputError(
        f"film {value} is listed twice, in {place(frame.index, before)} and in {place(frame.index, at)} "
        f"({int(twice.sum())} such row(s)); {way_out}"
    )
