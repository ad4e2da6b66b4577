"""Where this project differs from the paper or from the code published with it, and why.

The published code is UM2ii/quantum-cxr as read; each row says what the paper, that code and this project do.
"""

from collections.abc import Mapping
from typing import Any

from qcxr.analysis.facts import Facts

COLUMNS = ("Point", "Paper", "Published code", "Here")

CORRECTED = "marks and words follow p adjusted within its family (analysis.adjust, by default Holm); raw p beside it"
UNCORRECTED = "uncorrected here too (analysis.adjust: none)"

# The first word says which studies a row is true of: those with trainings of this package, with a circuit among them,
# that chose thresholds, with heads compared, or all.
DEVIATIONS = (
    ("trained", "Rotation", "±15 degrees", "dm_pix.rotate takes radians and was given U(-15, 15): any angle",
     "degrees, unless augment.unit is radians"),
    ("trained", "BatchNorm", "not said; Table II counts no statistics",
     "inference mode, running mean and variance updated by Adam as if they were weights",
     "never in the optimizer: running statistics are frozen, or with backbone.batch_norm: batch learned from batches"),
    ("circuits", "Circuit initialisation", "U[0, 2π]", "normal(0, 2π)",
     "U[0, 2π], unless head.dqc.init says otherwise"),
    ("thresholds", "Threshold of balanced accuracy", "—", "Youden's J chosen on the NIH test set",
     "Youden's J chosen on validation"),
    ("always", "Joining predictions with truth", "—", "both sorted, ids dropped",
     "one-to-one by image id, else an error"),
    ("compared", "Percent difference of means", "9.5 / 6.6 / 7.8 %", "—",
     "Eq. 4 from unrounded means (the paper's rounded CXR-8 means give 9.5 %, its unrounded ones 8.3 %)"),
    ("compared", "Volcano plot", "log2 of the percent difference: undefined where DQC is better", "—",
     "a signed axis with both sides"),
    ("compared", "Multiple tests", "5 seeds x up to 19 labels x 2 sets, uncorrected", "—",
     CORRECTED),
    ("compared", "What an interval is of", "training seeds alone", "seeds alone",
     "seeds and patients together (Obuchowski and Rockette 1995, Hillis 2007), unless analysis.inference is seeds; "
     "patients by DeLong's variance clustered over their films (Obuchowski 1997)"),
    ("always", "Standard deviation over seeds", "not said", "divides by n (ddof 0)",
     "divides by n - 1, unless analysis.sd is population"),
    ("trained", "Interrupted runs", "—", "started again from nothing", "resumed bit-identically"),
    ("trained", "Last batch of an epoch", "—", "ragged, caught by an exception", "padded and masked"),
    ("trained", "Time per epoch", "—", "the last epoch's time in every row", "each epoch's own"),
)  # fmt: skip

# Sections III-B, III-C, III-F of the paper, by configuration key.
PROTOCOL = {
    "tasks": ["cxr8", "cxr14", "cxr19"], "heads": ["cdl", "dqc"], "data.train_on": "nih",
    "data.test_on": ["nih", "mimic"],
    "image.resize": 256, "image.crop": 224, "image.mean": None, "image.std": None, "image.fit": None,
    "image.resample": None, "image.levels": "auto", "augment.flip": 0.5, "augment.rotation": 15,
    "augment.unit": "degrees", "augment.fill": 0,
    "backbone.name": "resnet50", "backbone.weights": "microsoft/resnet-50", "backbone.trainable": "all",
    "backbone.views": None, "backbone.library": None, "backbone.pooling": None,
    "head.dqc.layers": 3, "head.dqc.init": "uniform",
    "train.optimizer": "adam", "train.learning_rate": 1e-4, "train.head_learning_rate": None,
    "train.prior_bias": False, "train.freeze_epochs": 0, "train.schedule": None, "train.weight_decay": 0,
    "train.clip_norm": None, "train.accumulate": 1, "train.batch_size": 32, "train.epochs": 50, "train.patience": 5,
    "train.loss": "bce", "train.loss_options": {}, "train.precision": "float32", "train.permute_labels": False,
}  # fmt: skip


def deviations(facts: Facts) -> list[tuple[str, ...]]:
    """Return the rows of `DEVIATIONS`, under `COLUMNS`, that are true of a study."""
    true = {"always", *(name for name in ("trained", "circuits", "thresholds", "compared") if getattr(facts, name))}
    said = {CORRECTED: UNCORRECTED} if facts.unadjusted else {}
    return [tuple(said.get(cell, cell) for cell in row) for which, *row in DEVIATIONS if which in true]


def departures(config: Mapping[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return (setting, paper, here) for every setting of a resolved configuration that is not the paper's.

    Settings that the configuration does not have are passed over; the number of seeds is compared, not which they are.
    """
    rows = []
    for key, theirs in PROTOCOL.items():
        ours: object = config or {}
        for part in key.split("."):
            ours = ours.get(part, KeyError) if isinstance(ours, Mapping) else KeyError
        if key == "heads" and isinstance(ours, Mapping):  # named heads, by name
            ours = list(ours)
        if ours is not KeyError and ours != theirs:
            rows.append((key, str(theirs), str(ours)))
    circuit = ((config or {}).get("head") or {}).get("dqc") or {}
    rows += [(f"head.dqc.{k}", "—", str(v)) for k, v in circuit.items() if k not in ("engine", "layers", "init")]
    seeds = (config or {}).get("seeds")
    if seeds is not None and len(seeds) != 5:
        rows.append(("number of seeds", "5", str(len(seeds))))
    return rows
