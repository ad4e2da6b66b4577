"""The report as a browser sees it: nothing leaves the page, no error, figures have size and alt text, tables sort."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from qcxr.analysis import captions, deviations, figures, inputs, report, tables
from qcxr.analysis.facts import Study
from qcxr.analysis.gallery import gallery
from qcxr.errors import InputError
from qcxr.study import spent

from .synthetic import facts

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0",
)  # fmt: skip


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


@pytest.fixture(scope="module")
def written(study, tmp_path_factory):
    root = tmp_path_factory.mktemp("report")
    pngs = []
    for name in ("losses", "mean_auroc", "labels-cxr19-nih", "labels-cxr8-nih"):
        pngs.append(root / f"{name}.png")
        figures.draw(name, study.inputs, out_pdf=root / f"{name}.pdf", out_png=pngs[-1])
    results = study.results("runs", "counts", "parameters")
    config = {"tasks": ["cxr8"], "note": "<script>x</script>", "train": {"epochs": 2, "batch_size": 32}}
    arguments = (results, Study(config=config, protocol=True, demo=True))
    report.write_report(root / "report.html", *arguments, figures=pngs)
    return root / "report.html", arguments, pngs


def test_a_figures_heading_names_its_task_and_data_set(written, tmp_path):
    """Names of tasks and data sets may hold hyphens; a task may even begin like another."""
    png = written[2][0].read_bytes()
    names = {"labels-cxr8-drawn-nih": "CXR-8, drawn-nih", "labels-rare-cxr-nih": "rare-cxr, NIH-CXR-LT",
             "labels-cxr8": "CXR-8", "losses": ""}  # fmt: skip
    for name in names:
        (tmp_path / f"{name}.png").write_bytes(png)
    groups = gallery([tmp_path / f"{name}.png" for name in names], facts(tasks=("cxr8", "rare", "rare-cxr")))
    found = [figure["heading"] for group in groups for figure in group["figures"]]
    assert sorted(found) == sorted(names.values())


def test_report_is_one_self_contained_page(written, study):
    path, arguments, pngs = written
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    images = page.all("img")
    assert len(images) == 4
    for image in images:
        assert int(image["width"]) > 100 and int(image["height"]) > 100 and len(image["alt"]) > 10
    for _, attrs in page.tags:
        for key in ("src", "href"):
            assert attrs.get(key, "#").startswith(("#", "data:")), attrs[key][:80]
    assert not re.search(r"url\(|@import|https?://", text)
    ids = {attrs["id"] for attrs in page.all("section")}
    assert ids == {
        "result", "means", "labels", "longtail", "curves", "heads", "run", "data", "paper", "deviations", "limits"
    }  # fmt: skip
    anchors = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(anchors) == len(set(anchors))
    assert ids <= {a["href"][1:] for a in page.all("a")} <= set(anchors)
    for what in ("figure", "table"):
        numbers = [int(name.split("-")[1]) for name in anchors if re.fullmatch(rf"{what}-\d+", name)]
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 4, what  # in the order of the page
    assert all(image["loading"] == "lazy" for image in images)
    assert all("aria-labelledby" in attrs for attrs in page.all("svg") if attrs.get("role") == "img")
    assert "<script>x" not in text and "&lt;script&gt;x" in text.replace("\\u003c", "&lt;")
    assert "Generated films" in text and "not a medical device" in text

    tests = inputs.load("tests", study.tests).query("label == 'mean' and metric == 'auroc'")
    for row in tests.to_dict("records"):
        assert f"{row['mean_a']:.3f} ± {row['sd_a']:.3f}" in text
    hours = sum(run["wall_seconds"] for run in inputs.load("runs", study.folders)) / 3600
    assert f"{hours:.3g} in all" in text and "no positives" in text

    assert "train.epochs" in text and "train.batch_size" not in text.split("Settings of this study")[1]

    report.write_report(path.with_name("again.html"), *arguments, figures=pngs)
    assert path.with_name("again.html").read_bytes() == path.read_bytes()


def test_energy_is_told_of_the_runs_that_measured_it(study):
    assert not {"Wh"} & set(tables.run_costs(study.results("runs").runs))
    taken = dict.fromkeys(spent.PARTS, 0.0005)
    try:
        for folder in study.folders[:2]:
            spent.add(folder, taken, {"code_hash": "c" * 16}, done=True)
        results = study.results("runs")
        told = dict(report._facts(results, Study()))["Energy of the training"]
        assert told == f"0.001 kWh in all by codecarbon's estimate (CDL 0.001), of 2 of {len(study.folders)} runs"
        assert tables.run_costs(results.runs)["Wh"].dropna().tolist() == [0.5, 0.5]
    finally:
        for folder in study.folders[:2]:
            (folder / spent.NAME).unlink()


def test_settings_that_are_not_the_papers_are_listed():
    ours = {"tasks": ["cxr8"], "seeds": [0, 1], "head": {"dqc": {"layers": 3}}, "train": {"learning_rate": 1e-3}}
    found = {key: (theirs, here) for key, theirs, here in deviations.departures(ours)}
    assert found == {
        "tasks": ("['cxr8', 'cxr14', 'cxr19']", "['cxr8']"), "train.learning_rate": ("0.0001", "0.001"),
        "number of seeds": ("5", "2"),
    }  # fmt: skip
    assert deviations.departures(None) == []
    assert deviations.departures({"heads": {"cdl": {}, "dqc": {}}}) == []
    assert deviations.departures({"heads": {"cdl": {}, "deep": {"layers": 10}}})[0][2] == "['cdl', 'deep']"


def test_no_setting_that_changes_results_is_passed_over():
    """Every field of the sections that decide a result has the paper's value beside it."""
    from qcxr.study.sections import Augment, Backbone, Image, Train

    sections = {"train": Train, "augment": Augment, "image": Image, "backbone": Backbone}
    listed = {f"{name}.{field}" for name, section in sections.items() for field in section.model_fields}
    same = {"train.devices", "backbone.remat", "backbone.batch_norm", "backbone.config"}  # and a config is a name's
    assert listed - same <= set(deviations.PROTOCOL)
    noisy = {"head": {"dqc": {"engine": "chain", "noise": {"readout_0": 0.01}, "entangler": "CZ"}}}
    assert [row[0] for row in deviations.departures(noisy)] == ["head.dqc.noise", "head.dqc.entangler"]


def test_the_papers_protocol_in_config_has_no_departures():
    import yaml

    config = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text(encoding="utf-8"))
    assert deviations.departures(config) == []


def test_every_table_and_figure_has_one_place():
    from qcxr.analysis.sections import DRAWN_HERE, SECTIONS, placed

    for kind, known in (("tables", captions.CAPTIONS), ("figures", figures.FIGURES)):
        found = placed([*known, "of-tomorrow"], kind)
        everywhere = [name for names in found.values() for name in names]
        assert sorted(everywhere) == sorted([*known, "of-tomorrow"])
        assert "of-tomorrow" in found[kind]
        unnamed = set(found[kind]) - {"of-tomorrow"}
        assert not unnamed, f"{unnamed}: name them in SECTIONS"
    assert set(DRAWN_HERE.values()) == {"forest", "volcano"}
    assert placed(["paper_fig4", "labels"], "figures")["paper_figures"] == ["paper_fig4"]
    assert list(SECTIONS)[-1] == "paper_figures"


def test_what_was_read_of_predictions_made_elsewhere_is_said(study, tmp_path):
    read = {"Films": "21,081 <NIH>", "Replicates": "2,000"}
    report.write_report(tmp_path / "r.html", study.results(), Study(read=read))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "What was read" in text and "<dt>Films</dt><dd>21,081 &lt;NIH&gt;</dd>" in text


def test_figures_that_the_page_draws_itself_are_not_shown_twice(study, tmp_path):
    figures.draw("volcano-cxr8", study.inputs, out_pdf=tmp_path / "v.pdf", out_png=tmp_path / "volcano-cxr8.png")
    report.write_report(tmp_path / "r.html", study.results(), figures=[tmp_path / "volcano-cxr8.png"])
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<img" not in text and 'id="volcano-0-0-title"' in text


def test_what_was_not_given_is_left_out(study, tmp_path):
    report.write_report(tmp_path / "r.html", study.results())
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'id="paper"' not in text and 'id="figures"' not in text and "Generated films" not in text
    with pytest.raises(InputError, match="no such figure; draw it first"):
        report.write_report(tmp_path / "n.html", study.results(), figures=["none.png"])
    (tmp_path / "f.png").write_bytes(b"%PDF-1.4")
    with pytest.raises(InputError, match=r"a figure must be a PNG file; give the \.png beside the \.pdf"):
        report.write_report(tmp_path / "n.html", study.results(), figures=[tmp_path / "f.png"])
    assert not (tmp_path / "n.html").exists()


# Added to a copy of the page: clicks every column of every table and writes what it saw into the document, which
# --dump-dom prints.
PROBE = """
<script>
window.failed = [];
window.addEventListener("error", event => window.failed.push(String(event.message)));
window.addEventListener("securitypolicyviolation", event => window.failed.push("blocked " + event.blockedURI));
window.addEventListener("load", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  const seen = { tables: [], images: [], requests: performance.getEntriesByType("resource").map(e => e.name)
    .filter(name => !name.startsWith("data:")) };
  for (const table of document.querySelectorAll("table.sortable")) {
    const columns = [...table.tHead.rows[0].cells].map((header, c) => {
      const read = () => [...table.tBodies[0].rows].map(row => row.cells[c].textContent.trim());
      header.querySelector("button").click();
      const up = read(), said = header.getAttribute("aria-sort");
      header.querySelector("button").click();
      return { name: header.textContent.trim(), up, said, down: read(), then: header.getAttribute("aria-sort") };
    });
    seen.tables.push(columns);
  }
  for (const image of document.images) {
    const box = image.getBoundingClientRect();
    seen.images.push({ natural: image.naturalWidth, width: box.width, height: box.height, alt: image.alt });
  }
  const find = document.querySelector(".find input");
  find.value = "nodul";
  find.dispatchEvent(new Event("input"));
  seen.found = [...new Set([...document.querySelectorAll(".found")].map(item => item.dataset.label))];
  seen.marked = ["svg .found", "tr.found"].map(kind => document.querySelectorAll(kind).length);
  find.value = "";
  find.dispatchEvent(new Event("input"));
  seen.left = document.querySelectorAll(".found").length;
  const row = document.querySelector("svg.chart .row[tabindex='0']");
  row.focus();
  seen.first = document.querySelector(".tip").textContent;
  row.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  seen.next = document.querySelector(".tip").textContent;
  seen.stops = document.querySelectorAll("svg.chart .row[tabindex='0']").length;
  seen.charts = document.querySelectorAll("svg.chart[role]").length;
  seen.wide = [...document.querySelectorAll("main *")].filter(item => !item.closest(".scroll, pre, .unseen, svg")
    && item.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(item => item.outerHTML.slice(0, 80));
  const boxes = [...document.querySelectorAll(".scroll")], wider = box => box.scrollWidth > box.clientWidth + 1;
  seen.hints = boxes.map(box => wider(box) === (getComputedStyle(box.previousElementSibling).display !== "none"));
  seen.sticky = boxes.filter(wider).map(box => {
    box.scrollLeft = 50;
    return Math.round(box.querySelector("td").getBoundingClientRect().left - box.getBoundingClientRect().left);
  });
  seen.answer = document.querySelector(".verdict").getBoundingClientRect().bottom;
  seen.forest = document.querySelector("#result svg.chart[role]").getBoundingClientRect().top;
  seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  seen.failed = window.failed;
  const out = document.createElement("pre");
  out.id = "probe";
  out.textContent = JSON.stringify(seen);
  document.body.append(out);
});
</script>
"""


def browse(page, folder, *, width=1200, height=900):
    """Open a page in headless Chromium; return the process and Chromium's own log of network events."""
    folder.mkdir()
    trace = folder / "net.json"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={trace}"]
    command += [f"--window-size={width},{height}", "--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False), trace


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_browser_test_would_notice(tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        '<body><img src="http://127.0.0.1:9/leak.png"><script>console.error("oh"); missing()</script></body>'
    )
    done, trace = browse(page, tmp_path / "browser")
    assert requested(trace) == {"http://127.0.0.1:9/leak.png"}
    assert "CONSOLE" in done.stderr


def looked_at(path, folder, **size):
    """What the probe saw of a page, and the URLs that were asked for."""
    folder.mkdir(exist_ok=True)
    copy = folder / "report.html"
    copy.write_text(path.read_text(encoding="utf-8").replace("<body>", f"<body>{PROBE}"), encoding="utf-8")
    done, trace = browse(copy, folder / "browser", **size)
    found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    assert "CONSOLE" not in done.stderr
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), requested(trace)


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [1280, 1000, 500])  # headless Chromium has no narrower window: see the frame below
def test_nothing_is_wider_than_the_window(written, tmp_path, width):
    seen, _ = looked_at(written[0], tmp_path / "look", width=width, height=800)
    assert seen["overflow"] <= 0 and seen["wide"] == [] and all(seen["hints"])
    assert all(left == 0 for left in seen["sticky"]) and (width == 1280 or seen["sticky"])
    if width == 1280:
        assert seen["answer"] < 300 and seen["forest"] < 650  # the first screen holds the answer and the forest's head


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_a_phone_sees_all_in_its_width(written, tmp_path):
    """In a frame of 390 pixels, which is a window of its own to the page."""
    inner = written[0].read_text(encoding="utf-8").replace("<body>", f"<body>{PROBE}")
    inner = inner.replace("</body>", "<script>addEventListener('load', () => parent.postMessage("
                          "document.getElementById('probe').textContent, '*'))</script></body>")  # fmt: skip
    quoted = inner.replace("&", "&amp;").replace('"', "&quot;")
    page = tmp_path / "phone.html"
    listen = (
        "<script>onmessage = e => { const p = document.createElement('pre'); p.id = 'heard'; p.textContent = e.data;"
    )
    listen += " document.body.append(p); }</script>"
    page.write_text(
        f'<body>{listen}<iframe width="390" height="800" srcdoc="{quoted}"></iframe></body>', encoding="utf-8"
    )
    done, _ = browse(page, tmp_path / "browser")
    found = re.search(r'<pre id="heard">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    seen = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert seen["overflow"] <= 0 and seen["wide"] == [] and all(seen["hints"]) and seen["sticky"]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_report_in_a_browser(written, tmp_path):
    seen, asked = looked_at(written[0], tmp_path / "look")
    assert seen["failed"] == [] and seen["requests"] == [] and asked == set() and seen["overflow"] <= 0
    assert len(seen["images"]) == 4
    for image in seen["images"]:
        assert image["natural"] > 0 and image["width"] > 100 and image["height"] > 100 and image["alt"]
    assert seen["found"] == ["Nodule"] and min(seen["marked"]) > 0 and seen["left"] == 0
    assert seen["first"].startswith("Mean: CDL 0.") and seen["next"] != seen["first"] and ": CDL 0." in seen["next"]
    assert seen["stops"] == seen["charts"]  # a chart is one stop of the tab key

    means = next(t for t in seen["tables"] if any(c["name"] == "g_z" for c in t))
    columns = {column["name"]: column for column in means}
    for table in seen["tables"]:
        for column in table:
            assert (column["said"], column["then"]) == ("ascending", "descending")
            assert sorted(column["up"]) == sorted(column["down"])
    shown = [float(text.split(" ")[0]) for text in columns["CDL"]["up"]]
    assert shown == sorted(shown) and len(set(shown)) > 1
    assert [float(t.split(" ")[0]) for t in columns["CDL"]["down"]] == shown[::-1]
    counts = next(t for t in seen["tables"] if t[0]["name"] == "Label" and "total" in t[4]["name"])[4]
    numbers = [int(text.replace(",", "")) for text in counts["up"]]
    assert numbers == sorted(numbers)
    labels = next(t for t in seen["tables"] if {"Label", "p adjusted"} <= {c["name"] for c in t})
    adjusted = next(c for c in labels if c["name"] == "p adjusted")
    dashes = [text == "—" for text in adjusted["up"]]
    assert any(dashes) and dashes == sorted(dashes)  # undefined stays last


def requested(trace):
    """URLs that the page's renderer asked the network for, from Chromium's own network log."""
    text = trace.read_text(encoding="utf-8", errors="replace")
    urls = set(re.findall(r'"url":"((?:https?|wss?|ftp)://[^"]+)"', text))
    # Chromium itself asks its maker for updates, whatever page is shown; such hosts are none that a page names.
    return {url for url in urls if not re.search(r"//[^/]*(google|gstatic|gvt1|googleapis)\.[a-z.]+/", url)}
