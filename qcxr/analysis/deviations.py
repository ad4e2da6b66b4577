"""Where this project differs from the paper or from the code published with it, and why; what its results cannot say.

The published code is UM2ii/quantum-cxr as read; each row says what the paper, that code and this project do.
"""

from collections.abc import Mapping

COLUMNS = ("Point", "Paper", "Published code", "Here")

DEVIATIONS = (
    ("Rotation", "±15 degrees", "dm_pix.rotate takes radians and was given U(-15, 15): any angle",
     "degrees; augment.unit: radians gives the other"),
    ("BatchNorm", "not said; Table II counts no statistics",
     "inference mode, running mean and variance updated by Adam as if they were weights",
     "never in the optimizer: running statistics are frozen, or with backbone.batch_norm: batch learned from batches"),
    ("Circuit initialisation", "U[0, 2π]", "normal(0, 2π)", "U[0, 2π]"),
    ("Threshold of balanced accuracy", "—", "Youden's J chosen on the NIH test set", "Youden's J chosen on validation"),
    ("Joining predictions with truth", "—", "both sorted, ids dropped", "one-to-one by image id, else an error"),
    ("Percent difference of means", "9.5 / 6.6 / 7.8 %", "—",
     "Eq. 4 from unrounded means (the paper's rounded CXR-8 means give 9.5 %, its unrounded ones 8.3 %)"),
    ("Volcano plot", "log2 of the percent difference: undefined where DQC is better", "—",
     "a signed axis with both sides"),
    ("Multiple tests", "5 seeds x up to 19 labels x 2 sets, uncorrected", "—",
     "raw p, and beside it Holm, Benjamini-Hochberg, effect sizes, intervals, a bootstrap over patients"),
    ("Interrupted runs", "—", "started again from nothing", "resumed bit-identically"),
    ("Last batch of an epoch", "—", "ragged, caught by an exception", "padded and masked"),
    ("Time per epoch", "—", "the last epoch's time in every row", "each epoch's own"),
)  # fmt: skip

LIMITS = (
    "Seeds measure training noise only: a paired t-test over five of them says nothing about other patients. The "
    "bootstrap over patients says nothing about other hospitals.",
    "Raw p-values are uncorrected for the number of labels and data sets; use the adjusted ones to claim a label.",
    "The circuit is simulated, not run (without noise, unless the settings name some), and its structure (RY rotations "
    "and CNOT rings) can be simulated classically at low cost: no quantum advantage is claimed or possible here.",
    "Both heads use the same hyperparameters, as in the paper; neither is tuned.",
    "Labels are mined from radiology reports and are partly wrong; AUROC against them is not accuracy of diagnosis.",
    "This is research software, not a medical device: no output may guide care.",
)

# Sections III-B, III-C, III-F of the paper, by configuration key.
PROTOCOL = {
    "tasks": ["cxr8", "cxr14", "cxr19"], "heads": ["cdl", "dqc"], "data.train_on": "nih",
    "data.test_on": ["nih", "mimic"],
    "image.resize": 256, "image.crop": 224, "image.mean": None, "image.std": None, "augment.flip": 0.5,
    "augment.rotation": 15, "augment.unit": "degrees", "augment.fill": 0,
    "backbone.name": "resnet50", "backbone.weights": "microsoft/resnet-50", "backbone.trainable": "all",
    "backbone.views": None, "head.dqc.layers": 3, "head.dqc.init": "uniform",
    "train.optimizer": "adam", "train.learning_rate": 1e-4, "train.head_learning_rate": None,
    "train.prior_bias": False, "train.freeze_epochs": 0, "train.schedule": None, "train.weight_decay": 0,
    "train.clip_norm": None, "train.accumulate": 1, "train.batch_size": 32, "train.epochs": 50, "train.patience": 5,
    "train.loss": "bce", "train.loss_options": {}, "train.precision": "float32", "train.permute_labels": False,
}  # fmt: skip


def departures(config: Mapping | None) -> list[tuple[str, str, str]]:
    """Return (setting, paper, here) for every setting of a resolved configuration that is not the paper's.

    Settings that the configuration does not have are passed over; the number of seeds is compared, not which they are.
    """
    rows = []
    for key, theirs in PROTOCOL.items():
        ours: object = config or {}
        for part in key.split("."):
            ours = ours.get(part, KeyError) if isinstance(ours, Mapping) else KeyError
        if ours is not KeyError and ours != theirs:
            rows.append((key, str(theirs), str(ours)))
    circuit = ((config or {}).get("head") or {}).get("dqc") or {}
    rows += [(f"head.dqc.{k}", "—", str(v)) for k, v in circuit.items() if k not in ("engine", "layers", "init")]
    seeds = (config or {}).get("seeds")
    if seeds is not None and len(seeds) != 5:
        rows.append(("number of seeds", "5", str(len(seeds))))
    return rows
