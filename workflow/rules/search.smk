# The search: the best trial of every task and head on validation, and all trials in one table. Tests are not read.


rule choose:
    input:
        runs=lambda w: every_trial(f"{RUN}/run.json", task=w.task, head=w.head),
        scores=lambda w: every_trial(METRICS, task=w.task, head=w.head),
    output:
        f"{results}/search/{{task}}/{{head}}.json",
    log:
        f"{results}/logs/search/{{task}}-{{head}}.log",
    params:
        slice=lambda w: slice_text(
            trials={
                arm.variant.removeprefix(TRIAL): dict(arm.at)
                for arm in cfg.trials
                if arm.head == w.head
            },
            metric=cfg.search.choose.metric,
            seed=cfg.search.run_seed,
        ),
        code=code_hash("qcxr.analysis.choice"),
    message:
        "Choose the settings of {wildcards.head} for {wildcards.task} on validation"
    script:
        "../scripts/choose.py"


rule search:
    input:
        choices(),
    output:
        f"{results}/search.csv",
    log:
        f"{results}/logs/search.log",
    params:
        code=code_hash("qcxr.analysis.choice"),
    message:
        "Collect the trials of the search"
    script:
        "../scripts/search.py"
