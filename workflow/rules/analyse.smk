# From prediction tables to metrics, tests, figures, tables and the report.
from qcxr.study.protocol import is_papers

# whose circuit the report shows: the paper's, or else one of the user's own
DRAWN = next(
    (e.name for kind in ("dqc", "circuit") for e in cfg.heads if e.kind == kind), None
)
OWN = DRAWN is not None and cfg.recipe(DRAWN).kind == "circuit"


rule score:
    input:
        predictions=PREDICTIONS,
        validation=f"{RUN}/predictions/validation.parquet",
        counts=f"{results}/manifest/{cfg.data.trained_on}-counts.csv",
    output:
        METRICS,
    log:
        f"{results}/logs/score/{NAMED}-{{dataset}}.log",
    params:
        # validation, which chooses among trials, has no groups of labels: other borders leave every choice alone
        slice=lambda w: (
            slice_text()
            if w.dataset == "validation"
            else slice_text(
                head_over=cfg.analysis.head_over,
                tail_under=cfg.analysis.tail_under,
                quantiles=cfg.analysis.quantiles,
                **OWN_METRICS,
            )
        ),
        code=code_hash("qcxr.analysis.metrics"),
    message:
        "Score {wildcards.task}/{wildcards.head}{wildcards.variant}/seed{wildcards.seed} on {wildcards.dataset}"
    script:
        "../scripts/score.py"


rule compare:
    input:
        metrics=every_run(METRICS, dataset=TESTED),
        patients=patiented(),
    output:
        metrics=f"{results}/metrics.csv",
        tests=f"{results}/tests.csv",
        estimates=f"{results}/estimates.csv",
    log:
        f"{results}/logs/compare.log",
    params:
        slice=slice_text(
            outline=OUTLINE,
            against=cfg.analysis.against,
            inference=INFERENCE,
            **({"own": cfg.analysis.metrics} if OWN_METRICS else {}),
        ),
        code=code_hash(
            "qcxr.analysis.metrics",
            "qcxr.analysis.statistics",
            "qcxr.analysis.estimates",
        ),
    message:
        "Collect the metrics of all runs and compare the heads"
    script:
        "../scripts/compare.py"


rule questions:
    input:
        metrics=f"{results}/metrics.csv",
        patients=patiented(),
        search=[f"{results}/search.csv"] if SEARCHED else [],
    output:
        trend=f"{results}/trend.csv",
        variance=f"{results}/variance.csv",
        interaction=f"{results}/interaction.csv",
    log:
        f"{results}/logs/questions.log",
    params:
        slice=slice_text(
            outline=OUTLINE, adjust=cfg.analysis.adjust, against=cfg.analysis.against
        ),
        code=code_hash("qcxr.analysis.questions"),
    message:
        "Ask what rarity, seeds, patients and settings do to the heads"
    script:
        "../scripts/questions.py"


rule figure:
    input:
        unpack(lambda w: figure_inputs(w.figure)),
    output:
        pdf=f"{results}/figures/{{figure}}.pdf",
        png=f"{results}/figures/{{figure}}.png",
    log:
        f"{results}/logs/figures/{{figure}}.log",
    params:
        slice=lambda w: slice_text(
            outline=OUTLINE,
            options={
                key: getattr(cfg.analysis, key)
                for key in figures.spec(w.figure).options
            },
        ),
        code=lambda w: code_hash(*figures.modules(w.figure)) + figures.decides(w.figure),
    message:
        "Draw figure {wildcards.figure}"
    script:
        "../scripts/figure.py"


rule patients:
    input:
        predictions=lambda w: [
            f"{run}/predictions/{w.dataset}.parquet" for run in standing(w)
        ],
        runs=lambda w: [f"{run}/run.json" for run in standing(w)],
        counts=f"{results}/manifest/{cfg.data.trained_on}-counts.csv",
    output:
        f"{results}/patients/{{task}}-{{dataset}}{{variant}}.csv",
    log:
        f"{results}/logs/patients/{{task}}-{{dataset}}{{variant}}.log",
    params:
        slice=slice_text(
            heads=cfg.names,
            against=cfg.analysis.against,
            head_over=cfg.analysis.head_over,
            tail_under=cfg.analysis.tail_under,
            quantiles=cfg.analysis.quantiles,
        ),
        code=code_hash("qcxr.analysis.patients"),
    message:
        "Compute what the patients of {wildcards.dataset} vary for {wildcards.task}{wildcards.variant}"
    script:
        "../scripts/patients.py"


rule bootstrap:
    input:
        predictions=lambda w: [
            f"{run}/predictions/{w.dataset}.parquet" for run in standing(w)
        ],
        runs=lambda w: [f"{run}/run.json" for run in standing(w)],
    output:
        f"{results}/bootstrap/{{task}}-{{dataset}}{{variant}}.csv",
    log:
        f"{results}/logs/bootstrap/{{task}}-{{dataset}}{{variant}}.log",
    threads: 2
    params:
        slice=slice_text(
            heads=cfg.names,
            against=cfg.analysis.against,
            replicates=cfg.analysis.bootstrap,
            seed=cfg.analysis.bootstrap_seed,
        ),
        code=code_hash("qcxr.analysis.bootstrap"),
    message:
        "Bootstrap the patients of {wildcards.dataset} for {wildcards.task}{wildcards.variant}"
    script:
        "../scripts/bootstrap.py"


rule subgroups:
    input:
        predictions=lambda w: [
            f"{run}/predictions/{w.dataset}.parquet" for run in standing_at_base(w)
        ],
        runs=lambda w: [f"{run}/run.json" for run in standing_at_base(w)],
        attributes=f"{results}/manifest/{{dataset}}-attributes.parquet",
    output:
        f"{results}/subgroups/{{task}}-{{dataset}}.csv",
    log:
        f"{results}/logs/subgroups/{{task}}-{{dataset}}.log",
    params:
        slice=slice_text(
            heads=cfg.names,
            **{
                key: getattr(cfg.analysis, key)
                for key in (
                    "adjust",
                    "against",
                    "age_borders",
                    "inference",
                    "small_group",
                    "subgroups",
                )
            },
        ),
        code=code_hash("qcxr.analysis.subgroups"),
    message:
        "Break {wildcards.task} on {wildcards.dataset} down by sex, age and view"
    script:
        "../scripts/subgroups.py"


rule tables:
    input:
        **studied(),
    output:
        folder=directory(f"{results}/tables"),
        summary=f"{results}/summary.txt",
    log:
        f"{results}/logs/tables.log",
    params:
        slice=slice_text(
            outline=OUTLINE,
            protocol=is_papers(cfg),
            inference=INFERENCE,
            sd=cfg.analysis.sd,
        ),
        code=code_hash("qcxr.analysis.tables"),
    message:
        "Write the tables as CSV, Markdown and LaTeX"
    script:
        "../scripts/tables.py"


rule cards:
    input:
        **{kind: files for kind, files in studied().items() if kind != "benchmark"},
        manifests=expand(f"{results}/manifest/{{dataset}}.parquet", dataset=MANIFESTED),
        attributes=expand(
            f"{results}/manifest/{{dataset}}-attributes.parquet", dataset=MANIFESTED
        ),
        audits=expand(f"{results}/audit/{{dataset}}-issues.csv", dataset=MANIFESTED),
        leaks=[
            f"{results}/leaks/before-training.csv",
            *expand(f"{results}/leaks/test-{{dataset}}.csv", dataset=TESTED),
        ],
    output:
        model=f"{results}/model-card.md",
        data=f"{results}/data-card.md",
        croissant=f"{results}/data-card.json",
        checklist=f"{results}/checklist.md",
    log:
        f"{results}/logs/cards.log",
    params:
        slice=slice_text(
            config=cfg.model_dump(mode="json", exclude={"resources"}), outline=OUTLINE
        ),
        code=code_hash("qcxr.analysis.portfolio"),
        templates=TEMPLATES,
    message:
        "Write the cards of model and data, and the reporting checklists"
    script:
        "../scripts/cards.py"


rule report:
    input:
        **studied(),
        figures=expand(f"{results}/figures/{{figure}}.png", figure=FIGURES),
        circuit=[f"{results}/figures/circuit.png"] if DRAWN else [],
        audits=expand(f"{results}/audit/{{dataset}}-issues.csv", dataset=MANIFESTED),
        leaks=[
            f"{results}/leaks/before-training.csv",
            *expand(f"{results}/leaks/test-{{dataset}}.csv", dataset=TESTED),
        ],
    output:
        report(
            f"{results}/report.html", caption="../report/report.rst", category="Report"
        ),
    log:
        f"{results}/logs/report.log",
    params:
        slice=slice_text(
            config=cfg.model_dump(mode="json", exclude={"resources"}), outline=OUTLINE
        ),
        code=code_hash("qcxr.analysis.report"),
        templates=TEMPLATES,
    message:
        f"Write {results}/report.html"
    script:
        "../scripts/report.py"


rule circuit:
    output:
        png=f"{results}/figures/circuit.png",
        text=f"{results}/figures/circuit.txt",
    log:
        f"{results}/logs/figures/circuit.log",
    params:
        slice=slice_text(
            head_options=cfg.recipe(DRAWN).head_options if DRAWN else {},
            qubits=len(cfg.labels(cfg.tasks[0])),
            **({"kind": "circuit"} if OWN else {}),
        ),
        code=code_hash(
            "qcxr.circuits.portrait",
            "qcxr.circuits.pennylane",
            *(["qcxr.circuits.own"] if OWN else []),
        ),
    message:
        f"Draw the circuit of {cfg.tasks[0]} (Fig. 2)"
    script:
        "../scripts/circuit.py"
