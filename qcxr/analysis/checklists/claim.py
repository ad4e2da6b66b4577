"""CLAIM, 2024 update: its 44 items by number, and who answers them. Topics and questions are in our own words."""

from qcxr.analysis.checklists import data, design, evaluation, findings, model, openness, standard
from qcxr.analysis.checklists.item import Checklist, Item

CLAIM = Checklist(
    "CLAIM (2024 update)",
    "Tejani AS, Klontzas ME, Gatti AA, Mongan JT, Moy L, Park SH, Kahn CE Jr. Radiology: Artificial Intelligence 2024; "
    "6(4): e240300.",
    {
        "Title and abstract": (
            Item("1", "Technology", "a study of AI, and of which kind?", design.technology),
            Item("2", "Abstract", "a structured summary?", design.abstract),
        ),
        "Introduction": (
            Item("3", "Background", "the clinical problem, and the part that AI would play?"),
            Item("4", "Objectives", "aims and hypotheses?", design.objective),
        ),
        "Methods: design": (
            Item("5", "Time", "prospective or retrospective?", design.design),
            Item("6", "Goal", "which kind of study, for which use?", design.goal),
        ),
        "Methods: data": (
            Item("7", "Sources", "which data, and where are they?", data.sources),
            Item("8", "Eligibility", "who was taken in, who left out?", data.eligibility),
            Item("9", "Preprocessing", "what was done to the films?", data.preprocessing),
            Item("10", "Subsets", "was a part of the data chosen?", data.subsets),
            Item("11", "De-identification", "how were identities removed?", data.deidentification),
            Item("12", "Missing data", "how were gaps handled?", data.missing_data),
            Item("13", "Acquisition", "how were the films taken?", data.acquisition),
        ),
        "Methods: reference standard": (
            Item("14", "Definition", "how was the truth obtained?", standard.definition),
            Item("15", "Rationale", "why this truth and no other?", standard.rationale),
            Item("16", "Annotators", "who labelled, with which training?", standard.annotators),
            Item("17", "Test labels", "how was the test set labelled?", standard.test_annotation),
            Item("18", "Variability", "how far do readers agree?", standard.variability),
        ),
        "Methods: partitions and size": (
            Item("19", "Assignment", "how were films split, in which proportions?", data.partitions),
            Item("20", "Disjointness", "at which level do splits share nothing?", data.disjoint),
            Item("21", "Test size", "which size was planned, and why?", evaluation.sample_size),
        ),
        "Methods: model": (
            Item("22", "Architecture", "inputs, layers, outputs?", model.architecture),
            Item("23", "Software", "libraries and versions?", model.software),
            Item("24", "Initial weights", "from where?", model.initial),
        ),
        "Methods: training": (
            Item("25", "Training", "loss, optimizer, augmentation, hyperparameters?", model.training),
            Item("26", "Choice of the final model", "by what, on which data?", model.selection),
            Item("27", "Ensembles", "are models combined?", model.ensembling),
        ),
        "Methods: evaluation": (
            Item("28", "Metrics", "which, and why?", evaluation.metrics),
            Item("29", "Uncertainty", "intervals and tests?", evaluation.uncertainty),
            Item("30", "Robustness", "sensitivity to settings?", evaluation.robustness),
            Item("31", "Explanations", "were any made, and how were they checked?"),
            Item("32", "Internal test", "on held-out films of the training source?", evaluation.internal),
            Item("33", "External test", "on films from elsewhere?", evaluation.external),
            Item("34", "Registration", "of a clinical trial?", design.of_patients),
        ),
        "Results: data": (
            Item("35", "Flow", "how many were taken in and left out?", data.flow),
            Item("36", "Patients", "who they are, by split?", data.demographics),
        ),
        "Results: performance": (
            Item("37", "Performance", "by split and subgroup?", findings.performance),
            Item("38", "Precision", "estimates with intervals?", findings.estimates),
            Item("39", "Failures", "where is the model wrong?", findings.failures),
        ),
        "Discussion": (
            Item("40", "Limits", "bias, uncertainty, generalisation?", findings.limitations),
            Item("41", "Implications", "what would change in practice?"),
        ),
        "Other": (
            Item("42", "Protocol", "where is the full one?", openness.protocol),
            Item("43", "Availability", "of software, models and data?", openness.availability),
            Item("44", "Funding", "who paid, with which influence?"),
        ),
    },
)
