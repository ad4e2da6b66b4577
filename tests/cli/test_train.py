"""`qcxr train`: what a run needs before it can train."""

import pytest

from qcxr.cli import main


def test_a_run_that_cannot_be_trained_says_what_to_do(caplog):
    for words, said in (
        (["--threads", "-3"], "error: threads must be >= 1, got -3; set --threads"),
        (
            ["--configfile", "config/demo.yaml"],
            "make it first: snakemake --cores 1 results-demo/packed/drawn-nih-train.npy "
            "results-demo/packed/drawn-nih-val.npy results-demo/leaks/before-training.csv "
            "--configfile config/demo.yaml",
        ),
    ):
        with pytest.raises(SystemExit, match="1"):
            main(["train", "cxr8", "cdl", "0", *words])
        assert caplog.messages[-1].endswith(said)
