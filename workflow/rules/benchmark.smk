# Table III: timed training steps of every task and head, on the machine that the study runs on.


rule benchmark:
    output:
        f"{results}/benchmark.csv",
    log:
        f"{results}/logs/benchmark.log",
    # all cores of this machine: jobs beside it would be timed with it (without --cores, on a cluster, a job is alone)
    threads: workflow.resource_settings.cores or cfg.resources.train_threads
    resources:
        gpu=1,
    params:
        slice=slice_text(
            tasks={task: cfg.labels(task) for task in cfg.tasks},
            heads={head: cfg.recipe(head).decides() for head in cfg.names},
            steps=cfg.timed_steps,
            **slices.checkpoints({head: cfg.recipe(head) for head in cfg.names}),
        ),
        code=slices.studied_code("qcxr.bench.steps", KINDS, map(cfg.recipe, cfg.names)),
    message:
        "Time {cfg.timed_steps} training steps of every task and head (Table III)"
    script:
        "../scripts/benchmark.py"
