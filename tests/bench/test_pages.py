"""The pages say what the machine's file holds: medians, ratios, differences, reasons, the projection."""

import json

import pytest

from qcxr.bench import curves, machinefile, pages, short, suite, tables
from qcxr.bench.peers.known import CIRCUITS
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
    assert [tables.seconds(s) for s in (0.000441, 0.0123, 1.0, 31.7, 1234.5)] == [
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


def marked(name, text):
    return f"a\n<!-- made by `qcxr bench pages`: {name} -->{text}<!-- /made -->\nb\n"


def test_what_is_between_marks_is_replaced_by_the_table_they_name(found):
    text = marked("steps", "\nold\n") + marked("circuits", " ")
    new = machinefile.insert(text, found)
    assert "old" not in new and cells(new, "| torch |") == ["torch", "2.5 s", "26 s"]
    assert new.index("| torch |") < new.index("b\n") < new.index("| 19 | 2 s |")
    assert machinefile.insert(new, found) == new
    with pytest.raises(InputError, match="no mark of a table in it"):
        machinefile.insert("a", found)
    with pytest.raises(
        InputError, match="must name one of steps, networks, circuits, simulators, training, data, got 'x'"
    ):
        machinefile.insert(marked("x", ""), found)


def test_short_tables_have_ours_and_times_ours(found):
    groups = found["groups"]
    groups["circuits-qubits"]["rows"] += [
        circuit("default.qubit", 8, **{**TIMES, "median_s": 50.0}),
        circuit("default.qubit", 19, reason="out of memory"),
    ]
    noise = {"noise": 0.01}
    groups["circuits-noise"] = {
        "rows": [circuit("qcxr", 45, **TIMES, **noise), circuit("qcxr", 100, reason="x", **noise)]
    }
    groups["network-vit"] = {"rows": [step("qcxr", "cdl"), step("torch", "cdl", 1.5)]}
    groups["engines-19"] = {"rows": [step("qcxr chain", "dqc"), step("JAX, TensorCircuit", "dqc", 39.0)]}
    table = short.steps(found)
    assert cells(table, "| JAX, TensorCircuit |")[-1] == "39 s" and "chain" not in table and "engines" not in table
    text = short.circuits(found)
    assert cells(text, "| 8 |") == ["8", "2 s", "1.5 s to 4 s", "9.0", "50 s (25)"]
    assert cells(text, "| 19 |")[-1] == "not run" and cells(text, "| 45, with noise |")[-1] == ""
    assert cells(text, "| 100, with noise |") == ["100, with noise", "not run", "", "", ""]
    assert cells(short.simulators(found), "| 8 |")[-1] == "2 s (1.00)" and "noise" not in short.simulators(found)
    assert cells(short.networks(found), "| vit |") == ["vit", "32", "2 s", "1.5 s (0.75)"]
    assert "A Processor, 2 cores, no GPU, 2026-11-29" in text
    assert cells(short.TABLES["data"](found), "| cache |") == ["cache", "1.26 x", "<= 1.3"]
    bare = {**found, "groups": {}}
    assert {table(bare) for table in short.TABLES.values()} == {"Not measured on A Processor, 2 cores, no GPU."}


def test_groups_come_in_the_order_of_the_suite(found, tmp_path):
    groups = {key: {} for key in ["card-x", "circuits-noise", "frameworks-14", "circuits-qubits", "frameworks-8"]}
    (tmp_path / "m.json").write_text(json.dumps({**found, "groups": groups}))
    read = pages.read(tmp_path / "m.json")["groups"]
    assert list(read) == ["frameworks-8", "frameworks-14", "circuits-qubits", "circuits-noise", "card-x"]


def test_every_axis_has_its_words_and_every_peer_looks_different(found):
    noisy = [circuit("qcxr", n, **TIMES, noise=0.01) for n in (4, 8)]
    found["groups"]["circuits-noise"] = {"rows": noisy}
    plain = "3 layers, 32 samples"
    assert list(pages.axes(found)) == [plain, f"{plain}, depolarizing 0.01 a gate"]
    assert len(set(curves.COLOURS)) == len(set(curves.MARKERS)) == len(CIRCUITS)


def test_what_is_farther_than_asked_but_timed_is_marked_and_explained(found):
    rows, circuits = (found["groups"][group]["rows"] for group in ("frameworks-19", "circuits-qubits"))
    assert "† " not in short.steps(found) + short.simulators(found)
    rows[3]["gradients_differ_by"] = 3e-4
    circuits[1]["values_differ_by"] = 2e-4
    assert cells(short.steps(found), "| torch |") == ["torch", "2.5 s", "26 s †"]
    assert cells(pages.page(found, "there"), "| DQC | 19 | torch")[-2:] == ["2e-07", "3e-04 †"]
    assert cells(short.simulators(found), "| 8 |")[-1] == "2 s (1.00) †"
    for table in (short.steps, short.simulators):
        assert table(found).count("† Its results are farther than 0.0001 from ours") == 1
    assert "†" not in short.circuits(found)  # quimb is not in it
    rows[3]["peer"] = "torch bfloat16"  # its name says that it is farther
    assert "†" not in short.steps(found)


def test_what_is_no_machines_file_is_one_line(tmp_path):
    for text in ("", "[]", "{}"):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(InputError, match="is not a machine's benchmarks"):
            pages.read(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("value", "asked", "missed"),
    [
        *((3.0, "< 3", True), (2.9, "< 3", False), (1.3, "<= 1.3", False), (1.31, "<= 1.3", True)),
        *((1.8, ">= 1.8", False), (20_000, "> 20,000", True), (99, "10 % of a step", False), (99, "", False)),
    ],
)
def test_a_bound_that_is_not_met_says_so(value, asked, missed):
    table = tables.room_table([{"what": "a loop", "value": value, "unit": "%", "asked": asked}])
    assert ("**missed**" in table) is missed


def test_a_page_says_which_groups_were_not_measured():
    machine = {
        "day": "2026-01-01",
        "processor": "P",
        "cores": 2,
        "cards": [],
        "memory_gb": 8,
        "system": "S",
        "python": "3",
    }
    all_ = {group: {"load": 0.1} for group in suite.groups(suite.FULL)}
    about = {"machine": machine | {"versions": {}}, "groups": all_}
    assert "Not measured" not in pages._about(about)
    del all_["engines-19"]
    assert "Not measured there yet: `engines-19`." in pages._about(about)
