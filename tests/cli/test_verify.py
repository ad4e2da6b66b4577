"""`qcxr verify`: what is damaged, stale, gone and orphaned in a study's folder, and the way out."""

import json
import os
from pathlib import Path

import pytest

from qcxr.cli import main
from qcxr.study.digests import check, record_file, seal
from qcxr.study.provenance import digest_file
from tests.study.test_digests import flip

RESULTS = Path("results-demo")
MADE = {  # in the order in which they are made: what of
    "manifest/nih.parquet": ["labels.csv"],
    "packed/nih-train.npy": ["results-demo/manifest/nih.parquet"],
    "runs/cxr8/cdl/seed0/best.safetensors": ["results-demo/packed/nih-train.npy"],
    "runs/cxr8/cdl/seed0/run.json": ["results-demo/packed/nih-train.npy"],
    "runs/cxr8/cdl/seed0/predictions/nih.parquet": ["results-demo/runs/cxr8/cdl/seed0/best.safetensors"],
    "tables/means.csv": ["results-demo/runs/cxr8/cdl/seed0/predictions/nih.parquet"],
    "metrics.csv": ["results-demo/runs/cxr8/cdl/seed0/predictions/nih.parquet"],
}
DEMO = ["--configfile", "config/demo.yaml"]


@pytest.fixture
def study():
    """A finished study's files, with records."""
    Path("labels.csv").write_text("film\n")
    for name, sources in MADE.items():
        path = RESULTS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(200))
        seal([path], check(sources))
    (RESULTS / "logs").mkdir()
    (RESULTS / "logs/train.log").write_text("not a result\n")
    (RESULTS / "runs/cxr8/cdl/seed0/energy.json").write_text("{}")  # by no job's rule


def verify(capsys, *words, status):
    assert main(["verify", *words]) == status
    said = capsys.readouterr()
    return said.out.splitlines(), said.err.splitlines()[-1] if status else ""


def test_a_sound_study(study, capsys):
    out, _ = verify(capsys, *DEMO, status=0)
    assert out == [
        "7 files (1,400 bytes) are what was written; 1 have no record (made by an earlier version, or by no job)"
    ]


@pytest.mark.parametrize("keep_time", [False, True], ids=["new time", "old time"])
@pytest.mark.parametrize("name", MADE)
def test_one_bit_of_any_file_is_found(study, capsys, name, keep_time):
    path = RESULTS / name
    stat = path.stat()
    flip(path, times=(stat.st_atime_ns, stat.st_mtime_ns) if keep_time else None)
    out, said = verify(capsys, *DEMO, status=1)
    assert out[:-1] == [f"damaged   {path}: its bytes are not those that were written"]
    target = "results-demo/tables" if name.startswith("tables") else path
    assert said == (
        f"error: 1 of the study's files are damaged or stale; make them again: rm -r {target} && snakemake --cores 2 "
        f"{target} --configfile config/demo.yaml"
    )


def test_a_right_file_that_is_put_back_leaves_what_the_wrong_one_made_stale(study, capsys):
    """With its old time nothing else would tell: Snakemake goes by times."""
    weights, made = (RESULTS / "runs/cxr8/cdl/seed0" / name for name in ("best.safetensors", "predictions/nih.parquet"))
    right, stat = weights.read_bytes(), weights.stat()
    flip(weights)
    made.write_bytes(b"what the wrong weights predicted")
    seal([made], {str(weights): digest_file(weights)})  # as a version that did not check would have recorded it
    weights.write_bytes(right)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    out, said = verify(capsys, *DEMO, status=1)
    assert f"stale     {made}: made of another {weights} than is there now" in out
    assert f" {made} " in said.partition("make them again: rm -r ")[2]


def test_what_label_files_say_now_counts(study, capsys):
    Path("labels.csv").write_text("film,more\n")
    out, _ = verify(capsys, str(RESULTS), status=1)
    assert out[:-1] == [f"stale     {RESULTS}/manifest/nih.parquet: made of another labels.csv than is there now"]


def test_gone_and_orphaned_are_told_and_are_no_errors(study, capsys):
    (RESULTS / "packed/nih-train.npy").unlink()
    other = RESULTS / "runs/cxr8/mlp/seed0"
    other.mkdir(parents=True)
    (other / "run.json").write_text("{}")
    out, _ = verify(capsys, *DEMO, status=0)
    assert out[:2] == [
        f"gone      {RESULTS}/packed/nih-train.npy: its record is all that is left",
        f"orphaned  {other}: the configuration asks for no such run",
    ]
    assert len(verify(capsys, str(RESULTS), status=0)[0]) == 2  # without a configuration nobody knows which are


def test_a_damaged_record_is_no_damaged_file(study, capsys):
    path = RESULTS / "metrics.csv"
    flip(record_file(path))
    out, _ = verify(capsys, *DEMO, status=1)
    assert out[0].startswith(f"damaged   {path}: its record, {record_file(path)}, is damaged: nobody knows")


def test_for_programs(study, capsys):
    flip(RESULTS / "metrics.csv")
    assert main(["verify", "--json", *DEMO]) == 1
    found = json.loads(capsys.readouterr().out)
    (one,) = found["findings"]
    assert (one["file"], one["state"], found["sound"]) == (f"{RESULTS}/metrics.csv", "damaged", 6)


def test_no_study_there(capsys):
    assert main(["verify", "nowhere"]) == 1
    assert "error: nowhere is no folder; give a study's results" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["best.safetensors", "predictions/validation.parquet"])
def test_flipped_weights_predict_nothing(capsys, name):
    """Nor do flipped probabilities choose a threshold."""
    run = RESULTS / "runs/cxr8/cdl/seed0"
    (run / "predictions").mkdir(parents=True)
    for path in (run / "best.safetensors", run / "predictions/validation.parquet"):
        path.write_bytes(os.urandom(200))
        seal([path], {})
    Path("film.png").write_bytes(b"")
    flip(run / name)
    assert main(["predict", str(run), "film.png"]) == 1
    assert f"error: {run / name} is damaged: its bytes are not those that were written" in capsys.readouterr().err
