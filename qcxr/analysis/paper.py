"""The paper's numbers, to set beside ours: Chan et al., "Expanding the Horizon" (Tables I-III, section IV).

Facts only. The paper rounds most of them to two decimals: a difference below 0.005 may be rounding.
"""

TASKS = ("cxr8", "cxr14", "cxr19")

# Section IV-C: (task, dataset, head) -> (mean AUROC, sd over 5 seeds).
MEAN_AUROC = {
    ("cxr8", "nih", "cdl"): (0.77, 0.00), ("cxr8", "nih", "dqc"): (0.70, 0.02),
    ("cxr14", "nih", "cdl"): (0.78, 0.00), ("cxr14", "nih", "dqc"): (0.73, 0.02),
    ("cxr19", "nih", "cdl"): (0.80, 0.00), ("cxr19", "nih", "dqc"): (0.74, 0.03),
    ("cxr8", "mimic", "cdl"): (0.68, 0.00), ("cxr8", "mimic", "dqc"): (0.65, 0.01),
    ("cxr14", "mimic", "cdl"): (0.70, 0.00), ("cxr14", "mimic", "dqc"): (0.67, 0.01),
    ("cxr19", "mimic", "cdl"): (0.72, 0.00), ("cxr19", "mimic", "dqc"): (0.68, 0.01),
}  # fmt: skip

# Section IV-C: (task, dataset) -> p of the paired t-test, and percent difference as printed.
P_VALUE = {
    ("cxr8", "nih"): 0.005, ("cxr14", "nih"): 0.004, ("cxr19", "nih"): 0.009,
    ("cxr8", "mimic"): 0.009, ("cxr14", "mimic"): 0.008, ("cxr19", "mimic"): 0.002,
}  # fmt: skip
PERCENT_DIFFERENCE = {
    ("cxr8", "nih"): 9.5, ("cxr14", "nih"): 6.6, ("cxr19", "nih"): 7.8,
    ("cxr8", "mimic"): 4.5, ("cxr14", "mimic"): 4.4, ("cxr19", "mimic"): 5.7,
}  # fmt: skip

# Section IV-B: validation loss at the best epoch.
VALIDATION_LOSS = {
    ("cxr8", "cdl"): 0.21, ("cxr14", "cdl"): 0.15, ("cxr19", "cdl"): 0.12,
    ("cxr8", "dqc"): 0.22, ("cxr14", "dqc"): 0.17, ("cxr19", "dqc"): 0.13,
}  # fmt: skip

# Published wall time of the five runs of a task and head together, GPU-hours on RTX A6000 (authors' repository).
GPU_HOURS = {
    ("cxr8", "cdl"): 5.6, ("cxr14", "cdl"): 5.4, ("cxr19", "cdl"): 6.0,
    ("cxr8", "dqc"): 10.9, ("cxr14", "dqc"): 15.3, ("cxr19", "dqc"): 125.9,
}  # fmt: skip

# Table II: component -> parameters, by number of labels where it depends on them.
PARAMETERS = {
    "backbone": dict.fromkeys(TASKS, 23_508_032),
    "preprocess": {"cxr8": 16_392, "cxr14": 28_686, "cxr19": 38_931},
    "quantum": {"cxr8": 24, "cxr14": 42, "cxr19": 57},
    "postprocess": {"cxr8": 72, "cxr14": 210, "cxr19": 380},
}

# Table III: seconds of a training step, batch 32 of zeros, RTX A6000.
STEP_SECONDS = {
    (task, head, framework): seconds
    for (task, head), row in {
        ("cxr8", "cdl"): (0.06, 0.07, 0.06), ("cxr8", "dqc"): (0.08, 0.13, 0.06),
        ("cxr14", "cdl"): (0.06, 0.07, 0.06), ("cxr14", "dqc"): (0.43, 0.18, 0.08),
        ("cxr19", "cdl"): (0.06, 0.07, 0.06), ("cxr19", "dqc"): (14.97, 1.89, 0.80),
    }.items()
    for framework, seconds in zip(("tensorflow", "torch", "jax"), row, strict=True)
}  # fmt: skip

# Table I: label -> NIH train, val, test, and MIMIC test. The total column of the paper is the sum of NIH's three.
LABEL_COUNTS = {
    "Infiltration": (12739, 1996, 5159, 1781), "Effusion": (7919, 1663, 3735, 14586),
    "Atelectasis": (7587, 1272, 2700, 14014), "Nodule": (4359, 667, 1305, 1309), "Mass": (3689, 764, 1329, 1006),
    "Pneumothorax": (2432, 764, 2106, 3282), "Consolidation": (2626, 544, 1497, 3232),
    "Pleural Thickening": (1998, 485, 902, 590), "Cardiomegaly": (1590, 318, 868, 14703),
    "Emphysema": (1327, 272, 917, 649), "Edema": (1283, 269, 751, 8444), "Subcutaneous Emphysema": (957, 221, 813, 572),
    "Fibrosis": (1138, 183, 365, 271), "Pneumonia": (806, 173, 452, 8242), "Tortuous Aorta": (598, 49, 95, 547),
    "Calcification of the Aorta": (368, 32, 55, 704), "Pneumoperitoneum": (214, 33, 69, 136),
    "Pneumomediastinum": (88, 22, 143, 176), "Hernia": (130, 35, 62, 739),
}  # fmt: skip
