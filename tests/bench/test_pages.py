"""The pages say what the machine's file holds: medians, ratios, differences, reasons, the projection."""

import json

import pytest

from qcxr.bench import machinefile, pages
from qcxr.bench.projection import projection
from qcxr.errors import InputError

TIMES = {"median_s": 2.0, "p10_s": 1.5, "p90_s": 4.0, "timed": 30, "first_s": 9.0, "peak_mb": 1234.0}


def step(peer, head, median=2.0, **more):
    about = {"peer": peer, "head": head, "n_labels": 19, "batch": 32, "size": 224}
    return {**about, **TIMES, "median_s": median, **more}


def circuit(peer, n, **more):
    return {"peer": peer, "n_qubits": n, "n_layers": 3, "batch": 32, "noise": 0.0, **(more or TIMES)}


@pytest.fixture
def found():
    apart = {"values_differ_by": 2e-7, "gradients_differ_by": 3e-6, "versions": {"torch": "2.13.0"}}
    rows = [
        step("qcxr", "cdl"),
        step("qcxr", "dqc", 2.02),
        step("torch", "cdl", 2.5, **apart),
        step("torch", "dqc", 26.0, **apart),
        {"peer": "TensorFlow", "head": "dqc", "n_labels": 19, "batch": 32, "reason": "no | network"},
    ]
    circuits = [circuit("qcxr", 8), circuit("quimb", 8), circuit("qcxr", 19), circuit("quimb", 19, reason="too long")]
    machine = {
        "processor": "A Processor", "cores": 2, "memory_gb": 24.0, "cards": [], "system": "Linux", "python": "3.11.7",
        "versions": {"jax": "0.10.2", "torch": None}, "day": "2026-11-29",
    }  # fmt: skip
    groups = {
        "frameworks-19": {"load": 0.2, "rows": rows},
        "circuits-qubits": {"load": 1.5, "rows": circuits},
        "data": {"load": 0.1, "rows": [{"what": "cache", "value": 1.26, "unit": "x", "target": "<= 1.3"}]},
    }
    return {"machine": machine, "groups": groups}


def cells(text, start):
    line = next(line for line in text.splitlines() if line.startswith(start))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_page_has_every_row_and_its_reason(found):
    text = pages.page(found, "there")
    assert text.startswith("# Benchmarks on A Processor, 2 cores, no GPU\n")
    assert "Load before the groups: 0.1 to 1.5." in text and "jax 0.10.2" in text and "torch None" not in text
    assert cells(text, "| qcxr | 2 s") == ["qcxr", "2 s", "2.02 s"]
    assert cells(text, "| torch |") == ["torch", "2.5 s", "26 s"]
    assert cells(text, "| TensorFlow |") == ["TensorFlow", "", "not run"]
    assert cells(text, "| DQC | 19 | torch")[2:] == [
        "torch (torch 2.13.0)", "26 s", "1.5 s to 4 s", "12.87", "30", "9.0", "1,234", "2e-07", "3e-06",
    ]  # fmt: skip
    assert "| DQC | 19 | TensorFlow | not run: no / network |" in text
    assert "qcxr 1.01 (19 labels); torch 10.40 (19 labels)" in text
    assert "| 19 | quimb | not run: too long |" in text and "![Time and memory of a step](there.png)" in text
    assert "| cache | 1.26 x | <= 1.3 |" in text


def test_the_papers_runs_at_this_pace(found):
    rows = [
        step("qcxr", head, median, n_labels=n) for n in (8, 14, 19) for head, median in (("cdl", 2.0), ("dqc", 2.02))
    ]
    rate = 2 / (2.0 / 32 + 2.02 / 32)
    said = projection([*rows, step("torch", "cdl", 9.0)])
    assert f"{861 * 78_506 / rate / 3600:,.0f} hours here" in said and f"{rate:,.1f} films/s" in said
    # not of other steps than the paper's
    assert projection([]) == projection(rows[1:]) == ""
    assert projection([row | {"size": 32} for row in rows]) == ""
    assert "30 runs" not in pages.page(found, "there")


def test_each_contest_is_times_its_own(found):
    found["groups"]["engines-19"] = {"rows": [step("qcxr", "dqc", 4.0), step("qcxr chain", "dqc", 8.0)]}
    text = pages.page(found, "there")
    assert cells(text, "| DQC | 19 | qcxr chain")[5] == "2.00" and cells(text, "| DQC | 19 | torch")[5] == "12.87"
    assert [line.split("|")[6].strip() for line in text.splitlines() if line.startswith("| DQC | 19 | qcxr |")] == [
        "1.00"
    ] * 2


def test_short_times_are_in_milliseconds_and_long_ones_have_no_exponent():
    assert [pages.seconds(s) for s in (0.000441, 0.0123, 1.0, 31.7, 1234.5)] == [
        "0.441 ms", "12.3 ms", "1 s", "31.7 s", "1,234 s",
    ]  # fmt: skip


def test_groups_become_a_file_and_the_file_a_page_and_a_picture(found, tmp_path):
    files = []
    for group, told in found["groups"].items():
        files.append(tmp_path / f"{group}.json")
        files[-1].write_text(json.dumps({"group": group, **told}))
    machinefile.collect(files, tmp_path / "there.json")
    read = pages.read(tmp_path / "there.json")
    assert read["groups"] == found["groups"] and read["machine"]["cores"] >= 1
    page, picture = machinefile.publish(tmp_path / "there.json")
    assert page.read_text(encoding="utf-8") == pages.page(read, "there")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_what_is_between_the_marks_is_replaced():
    text = f"a\n{machinefile.BEGIN}\nold\n{machinefile.END}\nb\n"
    new = machinefile.insert(text, "table")
    assert new == f"a\n{machinefile.BEGIN}\n\ntable\n\n{machinefile.END}\nb\n"
    assert machinefile.insert(new, "table") == new
    with pytest.raises(InputError, match="has no two lines"):
        machinefile.insert("a", "table")


def test_what_is_no_machines_file_is_one_line(tmp_path):
    for text in ("", "[]", "{}"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(InputError, match="is not a machine's benchmarks"):
            pages.read(tmp_path / "x.json")
