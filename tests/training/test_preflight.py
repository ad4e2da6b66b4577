"""Table II as the workflow writes it."""

import pandas as pd
import pytest

from qcxr.errors import InputError
from qcxr.study.config import parse
from qcxr.training.preflight import check_weights, count_parameters
from tests.study.studies import study

SMALL = {"name": "resnet", "config": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1]}, "weights": None}
SETS = {"label_sets": {"few": ["A", "B"]}, "tasks": ["few"], "backbone": SMALL}


@pytest.mark.parametrize(("heads", "fixed"), [(["random", "cdl"], [6, 0]), (["cdl", "dqc"], None)])
def test_what_never_trains_has_a_column_where_there_is_any_and_counts_in_no_total(tmp_path, heads, fixed):
    count_parameters(parse(study(heads=heads, seeds=[0, 1], **SETS)), tmp_path / "parameters.csv")
    table = pd.read_csv(tmp_path / "parameters.csv")
    parts = ["backbone", "preprocess", "quantum", "postprocess"]
    assert list(table) == ["task", "head", *parts, "total", *(["fixed"] if fixed else [])]
    assert list(table["head"]) == heads and (table["total"] == table[parts].sum(axis=1)).all()
    assert list(table["quantum"]) == ([0, 0] if fixed else [0, 6])
    assert fixed is None or (list(table["fixed"]) == fixed and table["fixed"].dtype == int)


def test_a_torchxrayvision_file_is_opened_before_the_first_job(tmp_path):
    (tmp_path / "x.pt").write_text("no torch file")
    section = {"name": "xrv-densenet121", "weights": str(tmp_path / "x.pt")}
    with pytest.raises(
        InputError, match=r"x.pt (cannot be read|is not a torch file|needs torch)|reading x.pt needs torch"
    ):
        check_weights(parse(study(backbone=section)))
