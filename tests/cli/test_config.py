"""`qcxr config`: what is made from the configuration's definition."""

import json

import pytest

from qcxr.cli import main
from qcxr.study import reference


def test_the_page_and_the_schema_are_printed(capsys):
    assert main(["config", "--reference"]) == 0
    assert capsys.readouterr().out == reference.markdown()
    assert main(["config", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["train"]


def test_one_of_the_two_is_asked_for(capsys):
    for words in ([], ["--reference", "--schema"]):
        with pytest.raises(SystemExit):
            main(["config", *words])
        assert "qcxr config: error: " in capsys.readouterr().err
