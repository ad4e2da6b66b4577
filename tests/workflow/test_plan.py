"""Plans and refusals that need no film: what a first-time user meets."""

import pytest

from tests.workflow.study import TINY, Study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return Study(tmp_path_factory.mktemp("plan"))


def test_the_papers_plan_needs_no_data(study):
    text = study.snakemake("-n", "--quiet", "rules", overlay=False)
    counts = dict(line.split()[:2] for line in text.splitlines() if len(line.split()) == 2)
    # 3 tasks x 2 heads x 5 seeds; each predicts validation and two test sets, and is scored on the two
    assert (counts["train"], counts["predict"], counts["score"]) == ("30", "90", "60")
    assert (counts["manifest"], counts["cache"], counts["pack"]) == ("2", "4", "4")


@pytest.mark.parametrize("kind", ["--rulegraph", "--dag"])
def test_graphs_are_drawn_without_data(study, kind):
    text = study.snakemake(kind, overlay=False, cores=None)
    assert "digraph" in text and text.count("->") > 10
    if kind == "--dag":
        assert text.count("train") >= 30


def test_without_data_it_stops_before_any_job_with_the_way_out(study):
    text = study.snakemake(check=False, overlay=False)
    lines = [line for line in text.splitlines() if line.startswith("error:")]
    assert lines == [
        "error: data/nih does not exist; set data.sources.nih.images in the config, or try `make demo`",
    ]
    assert not (study.folder / "results").exists() or not list((study.folder / "results").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sedes": [1]}, "error: sedes is not a configuration key; allowed here: results, tasks,"),
        ({"seeds": []}, "error: seeds: list should have at least 1 item"),
        ({"seeds": [3]}, "error: seeds must be at least 2 for the paired test between heads, got [3]"),
        ({"tasks": ["cxr7"]}, "error: tasks must be among cxr8, cxr14, cxr19, cxrlt26, got cxr7"),
        ({"train": {"learning_rate": "fast"}}, "error: train.learning_rate: "),
        ({"head": {"dqc": {"noise": {"two_qubit": {"bit_flip": 2}}}}}, "error: head.dqc.noise.two_qubit.bit_flip: "),
        ({"results": "demo/nih"}, "error: results must lie apart from data.sources.drawn-nih.images (demo/nih), got"),
        ({"results": "tiny.yaml/results"}, "error: results must be a folder, got tiny.yaml/results where "),
    ],
)
def test_a_wrong_configuration_is_one_line(study, change, expected):
    try:
        study.write({**TINY, **change})
        text = study.snakemake("-n", check=False)
    finally:
        study.write(TINY)
    errors = [line for line in text.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and errors[0].startswith(expected) and "Traceback" not in text


def test_a_frozen_backbones_features_are_computed_once_for_all_runs(study):
    """One job per split, however many heads and seeds: training films, validation films, and each test set."""
    backbone = {"name": None, "config": None, "weights": "checkpoint", "trainable": "head", "views": 4}
    study.write(TINY | {"backbone": backbone})
    jobs = study.planned()
    assert (jobs["features"], jobs["pack"], jobs["train"], jobs["predict"]) == (4, 4, 4, 12)
    study.write(TINY)
    assert "features" not in study.planned()


def test_a_key_given_twice_is_refused_where_snakemake_would_take_the_last(study):
    overlay = study.folder / "tiny.yaml"
    try:
        overlay.write_text(overlay.read_text(encoding="utf-8") + "train:\n  epochs: 2\n", encoding="utf-8")
        text = study.snakemake("-n", check=False)
    finally:
        study.write(TINY)
    (line,) = [line for line in text.splitlines() if line.startswith("error:")]
    assert "tiny.yaml gives train twice, in lines " in line and "Traceback" not in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"results: r\ntrain: {epochs: [\n", "error: config file config/config.yaml is not YAML (line 3, column 1: "),
        (b"results: caf\xe9\n", "error: config file config/config.yaml must be UTF-8, got byte 0xe9 in line 1; save"),
        (b"", "error: config file config/config.yaml is empty; give it keys and values, or leave it out"),
    ],
    ids=["syntax", "latin-1", "empty"],
)
def test_a_configuration_that_cannot_be_read_is_one_line(study, content, expected):
    """A file of --configfile Snakemake refuses before it reads the Snakefile, in words of its own."""
    path = study.folder / "config/config.yaml"
    shipped = path.read_bytes()
    try:
        path.write_bytes(content)
        text = study.snakemake("-n", check=False)
    finally:
        path.write_bytes(shipped)
    (line,) = [line for line in text.splitlines() if line.startswith("error:")]
    assert line.startswith(expected) and "Traceback" not in text


@pytest.mark.slow
def test_a_summary_is_shown_where_letters_are_ascii_and_there_is_no_home(tmp_path):
    """`onsuccess` under LC_ALL=POSIX, where Python reads and prints ASCII unless told otherwise.

    Without a home Snakemake needs another place for its source cache, which it opens before it reads our files.
    """
    study = Study(tmp_path / "study")
    summary = study.folder / "results/summary.txt"
    summary.parent.mkdir()
    summary.write_text("cxr8 0.88 ± 0.01\n", encoding="utf-8")
    plain = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain |= {"HOME": "/proc/1/nowhere", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    text = study.snakemake("results/figures/circuit.txt", **plain)
    assert "cxr8 0.88 \\xb1 0.01" in text and "Traceback" not in text


def test_no_job_starts_before_every_model_has_been_built(study):
    """What only the checkpoint can tell: found before a film is drawn, also with keep-going; then never asked again."""
    folder = study.folder / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "resnet", "depths": 3}')
    study.write(TINY | {"backbone": {"name": None, "config": None, "weights": "./checkpoint"}})
    text = study.snakemake("--keep-going", check=False)
    errors = [line for line in text.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "depths must be a list of integers >= 1, got 3" in errors[0]
    assert "rule films" not in text and not (study.folder / "results").exists()
    study.write(TINY)
    study.snakemake("results/parameters.csv")
    stamp = study.folder / "results/logs/preflight.json"
    before = stamp.stat().st_mtime_ns
    study.snakemake("results/parameters.csv", "--forcerun", "parameters")
    assert stamp.stat().st_mtime_ns == before
