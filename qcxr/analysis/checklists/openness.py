"""What others can have: protocol, code, models, data."""

from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.origin import ACCESS

COMMIT = 12  # letters of a commit that are shown


def protocol(known: Known) -> Answer:
    """Where the full protocol is."""
    if not known.study.config:
        return OPEN
    return Answer("The whole resolved configuration is in report.html.", "where a protocol lies, or that there is none")


def code(known: Known) -> Answer:
    """The code."""
    if known.facts.foreign:
        return OPEN
    version = next((v["qcxr"] for run in known.results.runs if "qcxr" in (v := run.get("versions") or {})), None)
    commits = sorted({str(run["git"])[:COMMIT] for run in known.results.runs if run.get("git")})
    text = f"qcxr{f' {version}' if version else ''}, MIT licence"
    return Answer(text + (f", commit {', '.join(commits)}." if commits else "."), "where it may be had")


def data(known: Known) -> Answer:
    """The data."""
    if known.demo:
        seed = known.section("generate").get("seed")
        with_seed = f" with seed {seed}" if seed is not None else ""
        return Answer(f"The films are drawn anew by the same program{with_seed}: `make demo`.")
    found = [ACCESS[origin] for origin in known.origins.values() if origin]
    if not found:
        return OPEN
    return Answer(" ".join(found), "" if all(known.origins.values()) else "the other data sets")


def availability(known: Known) -> Answer:
    """Software, models and data together."""
    parts = [code(known), data(known)]
    text = " ".join(part.text for part in parts if part.text)
    return Answer(text, "where the code and the trained models may be had") if text else OPEN
