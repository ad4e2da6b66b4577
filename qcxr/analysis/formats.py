"""One table in three formats: CSV at full precision, Markdown and LaTeX as people read it."""

import numbers
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.study.files import write_csv, write_text

_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "±": r"$\pm$",
          "<": r"$<$", ">": r"$>$", "−": "$-$", "—": "---"}  # fmt: skip


def mean_sd(mean: float, sd: float, *, digits: int = 3) -> str:
    """Return `mean ± sd`, the mean alone if there is no sd, or an em dash if undefined."""
    if pd.isna(mean):
        return "—"
    return f"{mean:.{digits}f}" if pd.isna(sd) else f"{mean:.{digits}f} ± {sd:.{digits}f}"


def p_value(p: float) -> str:
    """Return a p-value as papers print it: three decimals, or < 0.001."""
    return "—" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def number(value: object, *, digits: int = 3) -> str:
    """Return a cell: whole numbers with separators, others with `digits` decimals, an em dash if undefined."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "—"
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}"
    if not isinstance(value, numbers.Real):
        raise TypeError(f"a cell must be a number or a text, got {value!r}")
    real = float(value)
    return f"{int(real):,}" if real.is_integer() and abs(real) >= 1 else f"{real:.{digits}f}"


def as_text(frame: pd.DataFrame, *, digits: int = 3) -> pd.DataFrame:
    """Return the frame with every cell as the text that people read."""
    return pd.DataFrame({column: [number(v, digits=digits) for v in frame[column]] for column in frame}, dtype=object)


def markdown(frame: pd.DataFrame) -> str:
    """Return a Markdown table, columns aligned, texts to the left and numbers to the right."""
    texts = as_text(frame)
    right = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame]
    cells = [[str(c).replace("|", r"\|") for c in row] for row in [list(texts.columns), *texts.to_numpy().tolist()]]
    widths = [max(3, *(len(row[k]) for row in cells)) for k in range(len(right))]
    lines = []
    for row in cells:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
        lines.append("| " + " | ".join(padded) + " |")
    dashes = [f"{'-' * (w + 1)}:" if r else "-" * (w + 2) for w, r in zip(widths, right, strict=True)]
    rule = "|" + "|".join(dashes) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def latex(frame: pd.DataFrame, *, caption: str, label: str) -> str:
    """Return a LaTeX table (booktabs) with its caption and label."""
    texts = as_text(frame)
    right = [pd.api.types.is_numeric_dtype(frame[c]) for c in frame]
    rows = [[_escape(str(c)) for c in row] for row in [list(texts.columns), *texts.to_numpy().tolist()]]
    body = [" & ".join(row) + r" \\" for row in rows]
    columns = "".join("r" if r else "l" for r in right)
    opened = [r"\begin{table}[t]", r"\centering", rf"\caption{{{_escape(caption)}}}", rf"\label{{tab:{label}}}"]
    tabular = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", body[0], r"\midrule", *body[1:], r"\bottomrule"]
    return "\n".join([*opened, *tabular, r"\end{tabular}", r"\end{table}", ""])


def write(frame: pd.DataFrame, folder: str | Path, name: str, *, caption: str) -> list[Path]:
    """Write {folder}/{name}.csv, .md and .tex; return their paths."""
    paths = [Path(folder) / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")]
    write_csv(frame, paths[0])
    write_text(f"{caption}\n\n{markdown(frame)}", paths[1])
    write_text(latex(frame, caption=caption, label=name), paths[2])
    return paths


def _escape(text: str) -> str:
    return "".join(_LATEX.get(c, c) for c in text.replace("\\", r"\textbackslash "))
