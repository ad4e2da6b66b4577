"""The data: where they are from, what was chosen, prepared and left out, and how they were split."""

from qcxr.analysis import cohort
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.learned import unlinked
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, key_value, task_name
from qcxr.analysis.origin import origins

CENTRES = {
    "nih": "NIH Clinical Center, Bethesda, USA (Wang et al. 2017)",
    "mimic": "Beth Israel Deaconess Medical Center, Boston, USA (Johnson et al. 2019)",
}
GENERATED = "No patient is behind a generated film."


def sources(known: Known) -> Answer:
    """Data sets and their origin."""
    counts = known.results.counts
    if counts is None:
        return OPEN
    texts = origins(counts, known.layouts, demo=known.demo)
    unknown = [name for name, origin in known.origins.items() if not origin and not known.demo]
    return Answer(" ".join(texts), f"where {listed(list(map(dataset_name, unknown)))} come from" if unknown else "")


def setting(known: Known) -> Answer:
    """Centres."""
    if known.demo:
        return Answer(GENERATED, applies=False)
    found = [CENTRES[origin] for origin in known.origins.values() if origin]
    if not found:
        return OPEN
    return Answer(f"{'; '.join(found)}.", "" if all(known.origins.values()) else "the centres of the other data sets")


def eligibility(known: Known) -> Answer:
    """Which films take part."""
    if not known.layouts:
        return OPEN
    text = "Every film that the label files list"
    if frontal := [dataset_name(name) for name, kind in known.layouts.items() if kind == "mimic"]:
        text += f"; of {listed(frontal)} frontal ones only (AP or PA)"
    return Answer(f"{text}.", "" if known.demo else "by what rules the data sets' makers chose patients and films")


def preprocessing(known: Known) -> Answer:
    """From file to input."""
    resize, crop = known.setting("image", "resize"), known.setting("image", "crop")
    if resize is None or crop is None:
        return OPEN
    mean, sd = known.setting("image", "mean"), known.setting("image", "std")
    scaled = "the backbone's own mean and sd" if mean is None else f"mean {key_value(mean)} and sd {key_value(sd)}"
    return Answer(
        f"Films are read as one gray channel, resized (bicubic) to {resize} pixels on the shorter side, cropped at the "
        f"centre to {crop} x {crop}, scaled to [0, 1], and normalised per channel with {scaled}; the same for every "
        "split and data set."
    )


def subsets(known: Known) -> Answer:
    """What part of the data is used."""
    fraction = known.setting("data", "fraction")
    if fraction is None:
        return OPEN
    tasks = {run["task"]: len(run["labels"]) for run in known.results.runs}
    told = listed([f"{task_name(task)} ({n} labels)" for task, n in tasks.items()])
    part = "All training patients" if fraction == 1 else f"{100 * fraction:g} % of the training patients, by the seed,"
    text = f"{part} take part. Label sets: {told}."
    if "data.fraction" in known.results.outline.axes:
        shares = ", ".join(f"{100 * value:g} %" for value in known.results.outline.axes["data.fraction"])
        text += f" The part of the training patients is varied: {shares}."
    return Answer(text)


def deidentification(known: Known) -> Answer:
    """Who took names off."""
    if known.demo:
        return Answer(GENERATED, applies=False)
    if known.facts.mined:
        return Answer("Public data sets, de-identified by their makers; nothing was added to them.")
    return OPEN


def missing_data(known: Known) -> Answer:
    """Missing labels, facts and films."""
    if known.results.counts is None:
        return OPEN
    counts = known.results.counts
    absent = counts[(counts["n"] == 0) & (counts["split"] != "total")]
    told = [
        f"{dataset_name(name)} does not cover {listed(list(dict.fromkeys(part['label'])))}"
        for name, part in absent.groupby("dataset", sort=False)
    ]
    text = "A label that a data set does not cover is missing, never 0, and is left out of that set's tests and means. "
    text += "Nothing is imputed." + "".join(f" {said}." for said in told)
    return Answer(" ".join([text, *known.left_out]))


def acquisition(known: Known) -> Answer:
    """How the films were taken."""
    if known.demo:
        return Answer("The films were drawn by a program.", applies=False)
    if known.cohort is None or not known.cohort["view"].any():
        return OPEN
    told = [f"{dataset_name(r.dataset)} {r.split}: {r.view}" for r in known.cohort.itertuples() if r.view]
    return Answer(f"Views: {'; '.join(told)}.", "devices, exposure, formats as taken")


def partitions(known: Known) -> Answer:
    """Who is in which split."""
    if known.cohort is None or known.cohort.empty:
        return OPEN
    rows = known.cohort.itertuples()
    told = "; ".join(f"{dataset_name(r.dataset)} {r.split} {r.films:,} films, {r.patients:,} patients" for r in rows)
    return Answer(
        f"As the data sets' label files split them: {told}. Train trains, val stops training early and sets "
        "thresholds, test is predicted once per run."
    )


def disjoint(known: Known) -> Answer:
    """At which level splits share nothing."""
    if known.shared_patients is None:
        return OPEN
    if known.shared_patients:
        return Answer(f"{known.shared_patients:,} patients are in two splits of one data set.", "why")
    if told := [*known.study.leaks, *unlinked(known.study.patientless)]:
        return Answer(" ".join(told), "why")
    return Answer("Patients: no patient of a data set is in two of its splits (counted in the manifests).")


def flow(known: Known) -> Answer:
    """How many were left in and out."""
    if known.cohort is None or known.cohort.empty:
        return OPEN
    total = known.cohort.groupby("dataset", sort=False)[["films", "patients"]].sum()
    told = "; ".join(f"{dataset_name(name)} {r.films:,} films, {r.patients:,} patients" for name, r in total.iterrows())
    text = " ".join([f"In the study: {told}.", *known.left_out])
    return Answer(text, "" if known.demo else "a diagram, and who was left out before the label files were made")


def demographics(known: Known) -> Answer:
    """Who the patients are, per split."""
    if known.cohort is None or known.cohort.empty:
        return OPEN
    table = cohort.shown(known.cohort)
    facts = [name for name in ("Age", "Sex", "View") if name in table]
    if not facts:
        return OPEN
    told = []
    for row in table.to_dict("records"):
        said = ", ".join(f"{name.lower()} {row[name]}" for name in facts if row[name] != "—")
        told += [f"{row['Data set']} {row['Split']}: {said}"] if said else []
    drawn = "Invented with the films. " * known.demo
    lacking = [name for name in ("age", "sex") if name.capitalize() not in facts]
    lacking += ["clinical facts"] * (not known.demo)
    return Answer(f"{drawn}{'; '.join(told)}.", listed(lacking) if lacking else "")


def events(known: Known) -> Answer:
    """Films with and without each finding, in each analysis."""
    counts = known.results.counts
    if counts is None:
        return OPEN
    told = []
    for (dataset, split), part in counts[counts["split"] != "total"].groupby(["dataset", "split"], sort=False):
        covered = part[part["n"] > 0]
        if len(covered):
            few, many = covered["n_positive"].min(), covered["n_positive"].max()
            told.append(f"{dataset_name(dataset)} {split} {covered['n'].max():,} films, {few:,} to {many:,} per label")
    return Answer(f"Films and positives: {'; '.join(told)}. Label by label: data-card.md.")


def differences(known: Known) -> Answer:
    """How the evaluation data differ from the development data."""
    if not known.external or known.results.counts is None:
        return OPEN
    counts = known.results.counts
    own = counts[counts["dataset"].isin(known.training) & (counts["n"] > 0)]
    told = []
    for name in known.external:
        here = counts[(counts["dataset"] == name) & (counts["n"] > 0)]
        lacking = [label for label in dict.fromkeys(own["label"]) if label not in set(here["label"])]
        said = f"{dataset_name(name)} is another data set than the one trained on"
        told.append(said + f" and does not cover {listed(lacking)}." if lacking else said + ".")
    return Answer(" ".join(told) + " Counts per label: data-card.md.", "setting, eligibility and outcome compared")
