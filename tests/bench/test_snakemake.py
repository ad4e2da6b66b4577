"""`snakemake bench_small`, whole: no films, no study; every peer has a row with times, or with the reason why not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import qcxr
from qcxr.bench import environment, pages, suite

ROOT = Path(qcxr.__file__).parents[1]


def snakemake(*words, cwd):
    command = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--cores", "2", *words]
    env = os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


@pytest.mark.slow
def test_the_small_benchmark_from_nothing(tmp_path):
    config = tmp_path / "bench.yaml"
    config.write_text(f"results: {tmp_path}/results\ndata: {{cache: {tmp_path}/cache}}\n")
    peers = tmp_path / "cache/peers"
    peers.mkdir(parents=True)
    for name in environment.names():  # to install them takes a network, and gigabytes
        (peers / f"{name}.txt").write_text("not run: it is not installed here\n")
    done = snakemake("bench_small", "--configfile", str(config), cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    found = pages.read(tmp_path / "results/bench/small.json")
    assert sorted(found["groups"]) == sorted(suite.groups(suite.SMALL))
    for name, group in found["groups"].items():
        if name in suite.SIZES[suite.SMALL].rooms:
            assert len(group["rows"]) == 13
            assert all(row["value"] > 0 for row in group["rows"] if row["unit"] != "%")  # an overhead may be below
            continue
        for row in group["rows"]:
            known = suite.known(row)
            if known.environment != environment.OWN:
                assert row["reason"] == "it is not installed here"
            elif "reason" in row:  # torch is not everywhere
                assert row["reason"].startswith("ModuleNotFoundError: No module named 'torch'"), row
            else:
                assert row["timed"] >= 1 and 0 < row["p10_s"] <= row["median_s"] <= row["p90_s"]
    page = (tmp_path / "results/bench/small.md").read_text(encoding="utf-8")
    assert page == pages.page(found, "small") and (tmp_path / "results/bench/small.png").is_file()
    # nothing is run again, but for a group whose file is gone
    (tmp_path / "results/bench/small/circuits-noise.json").unlink()
    plan = snakemake("bench_small", "-n", "--configfile", str(config), cwd=ROOT)
    assert (
        "Time circuits-noise" in plan.stdout + plan.stderr and "Time circuits-qubits" not in plan.stdout + plan.stderr
    )
    assert json.loads((tmp_path / "results/bench/small.json").read_text())["machine"]["cores"]
