# From prediction tables to metrics, tests, figures, tables and the report.
METRICS = f"{RUN}/metrics/{{dataset}}.csv"
TESTED = cfg.data.test_on


rule score:
    input:
        predictions=f"{RUN}/predictions/{{dataset}}.parquet",
        validation=f"{RUN}/predictions/validation.parquet",
        counts=f"{results}/manifest/{cfg.data.train_on}-counts.csv",
    output:
        METRICS,
    log:
        f"{results}/logs/score/{{task}}-{{head}}-seed{{seed}}-{{dataset}}.log",
    params:
        slice=slice_text(head_over=cfg.analysis.head_over, tail_under=cfg.analysis.tail_under),
        code=code_hash("qcxr.analysis.metrics"),
    message:
        "Score {wildcards.task}/{wildcards.head}/seed{wildcards.seed} on {wildcards.dataset}"
    script:
        "../scripts/score.py"


rule compare:
    input:
        every_run(METRICS, dataset=TESTED),
    output:
        metrics=f"{results}/metrics.csv",
        tests=f"{results}/tests.csv",
    log:
        f"{results}/logs/compare.log",
    params:
        slice=slice_text(heads=cfg.heads, alpha=cfg.analysis.alpha),
        code=code_hash("qcxr.analysis.metrics", "qcxr.analysis.statistics"),
    message:
        "Collect the metrics of all runs and compare the heads"
    script:
        "../scripts/compare.py"
