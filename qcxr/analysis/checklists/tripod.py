"""TRIPOD+AI (2024): its 27 items in 52 parts, and who answers them. Topics and questions are in our own words."""

from qcxr.analysis.checklists import data, design, evaluation, findings, model, openness, standard
from qcxr.analysis.checklists.item import Checklist, Item

TRIPOD = Checklist(
    "TRIPOD+AI",
    "Collins GS, Moons KGM, Dhiman P, et al. BMJ 2024; 385: e078378.",
    {
        "Title and abstract": (
            Item("1", "Title", "development or evaluation, for whom, of which outcome?", design.technology),
            Item("2", "Abstract", "a summary by TRIPOD+AI's list for abstracts?", design.abstract),
        ),
        "Introduction": (
            Item("3a", "Background", "the setting in care, and models that exist?"),
            Item("3b", "Intended use", "for whom, by whom, where in care?", design.intended_use),
            Item("3c", "Inequalities", "which are known between groups?", design.of_patients),
            Item("4", "Objectives", "development, evaluation or both?", design.objective),
        ),
        "Methods: data": (
            Item("5a", "Sources", "for development and for evaluation?", data.sources),
            Item("5b", "Dates", "of collection?", design.of_patients),
            Item("6a", "Setting", "which centres?", data.setting),
            Item("6b", "Eligibility", "who was taken in?", data.eligibility),
            Item("6c", "Treatments", "received by patients?", design.of_patients),
            Item("7", "Preparation", "preprocessing and checks?", data.preprocessing),
            Item("8a", "Outcome", "its definition?", standard.definition),
            Item("8b", "Assessors", "of the outcome?", standard.annotators),
            Item("8c", "Blinding", "of the outcome's assessment?", standard.blinding),
            Item("9a", "Choice of predictors", "and any preselection?", model.predictors),
            Item("9b", "Definition of predictors", "how and when measured?", data.acquisition),
            Item("9c", "Assessors of predictors", "if judgement is needed?", model.no_reader),
            Item("10", "Sample size", "how was it arrived at?", evaluation.sample_size),
            Item("11", "Missing data", "how were gaps handled?", data.missing_data),
        ),
        "Methods: analysis": (
            Item("12a", "Use of the data", "how were they split?", data.partitions),
            Item("12b", "Handling of predictors", "scaling, transformation?", data.preprocessing),
            Item("12c", "Model building", "type, steps, tuning, internal validation?", model.building),
            Item("12d", "Clusters", "how is heterogeneity treated?", evaluation.heterogeneity),
            Item("12e", "Measures", "of performance, and comparisons?", evaluation.metrics),
            Item("12f", "Updating", "after evaluation?", evaluation.updating),
            Item("12g", "Prediction", "how is it computed?", model.prediction),
            Item("13", "Class imbalance", "what was done about it?", model.imbalance),
            Item("14", "Fairness", "what was done for it?", evaluation.fairness),
            Item("15", "Output", "probabilities, thresholds?", model.output),
            Item("16", "Development against evaluation", "how do their data differ?", data.differences),
            Item("17", "Ethics", "approval and consent?", design.of_patients),
        ),
        "Open science": (
            Item("18a", "Funding", "who paid, with which influence?"),
            Item("18b", "Conflicts of interest", "of all authors?"),
            Item("18c", "Protocol", "where is it?", openness.protocol),
            Item("18d", "Registration", "where, or not?"),
            Item("18e", "Data", "may be had where?", openness.data),
            Item("18f", "Code", "may be had where?", openness.code),
        ),
        "Patients and public": (Item("19", "Involvement", "of patients and public?"),),
        "Results": (
            Item("20a", "Flow", "how many, with and without the outcome?", data.flow),
            Item("20b", "Characteristics", "of the participants?", data.demographics),
            Item("20c", "Comparison with development", "of predictors and outcome?", data.differences),
            Item("21", "Numbers", "of participants and events in each analysis?", data.events),
            Item("22", "Full model", "so that others can predict with it?", model.specification),
            Item("23a", "Performance", "with intervals, by subgroup?", findings.performance),
            Item("23b", "Heterogeneity", "of performance across clusters?", findings.by_dataset),
            Item("24", "Updating", "its results?", evaluation.updating),
        ),
        "Discussion": (
            Item("25", "Interpretation", "of the main results, fairness too?", findings.interpretation),
            Item("26", "Limits", "and their effects?", findings.limitations),
            Item("27a", "Poor input", "how should it be handled in use?"),
            Item("27b", "Users", "what must they do and know?"),
            Item("27c", "Next steps", "for research?"),
        ),
    },
)
