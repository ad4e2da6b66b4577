# Table III: timed training steps of every task and head, on the machine that the study runs on.


rule benchmark:
    output:
        f"{results}/benchmark.csv",
    log:
        f"{results}/logs/benchmark.log",
    # when nothing else can run: by then the runs have compiled its programs, side by side
    priority: -1
    # all cores of this machine: jobs beside it would be timed with it (without --cores, on a cluster, a job is alone)
    threads: workflow.resource_settings.cores or cfg.resources.train_threads
    resources:
        gpu=cfg.resources.cards(),
    params:
        slice=slice_text(
            tasks={task: cfg.labels(task) for task in cfg.tasks},
            heads={head: cfg.recipe(head).decides() for head in cfg.names},
            steps=cfg.timed_steps,
            **slices.checkpoints({head: cfg.recipe(head) for head in cfg.names}),
        ),
        code=slices.studied_code("qcxr.bench.steps", KINDS, map(cfg.recipe, cfg.names)),
    message:
        f"Time {cfg.timed_steps} training steps of every task and head (Table III)"
    script:
        "../scripts/benchmark.py"


# Every peer beside us, whatever the study: snakemake bench --cores 2 (hours), snakemake bench_small --cores 2 (minutes).
# A group of peers is a job; what is there already is not run again.


rule bench_environment:
    input:
        f"{PEERS_FILES}/{{environment}}.txt",
    output:
        f"{PEERS}/{{environment}}.txt",
    log:
        f"{results}/logs/bench/environment-{{environment}}.log",
    wildcard_constraints:
        environment="[a-z]+",
    threads: 1
    message:
        "Install the peers of environment {wildcards.environment}"
    script:
        "../scripts/bench_environment.py"


rule bench_group:
    input:
        bench_environments,
    output:
        f"{results}/bench/{{size}}/{{group}}.json",
    log:
        f"{results}/logs/bench/{{size}}-{{group}}.log",
    wildcard_constraints:
        size="full|small",
        group="[a-z0-9-]+",
    # nothing beside it, as above
    threads: workflow.resource_settings.cores or cfg.resources.train_threads
    resources:
        gpu=cfg.resources.cards(),
    message:
        "Time {wildcards.group}"
    script:
        "../scripts/bench_group.py"


# the groups themselves too, so that one whose file is gone is run again
rule bench:
    input:
        lambda w: bench_groups("full"),
        f"docs/benchmarks/{MACHINE}.md",


rule bench_small:
    input:
        lambda w: bench_groups("small"),
        f"{results}/bench/small.md",


rule bench_pages:
    input:
        lambda w: bench_groups("full"),
    output:
        json=f"docs/benchmarks/{MACHINE}.json",
        page=f"docs/benchmarks/{MACHINE}.md",
        curves=f"docs/benchmarks/{MACHINE}.png",
    log:
        f"{results}/logs/bench/full.log",
    threads: 1
    message:
        "Write {output.page}"
    script:
        "../scripts/bench_pages.py"


use rule bench_pages as bench_small_pages with:
    input:
        lambda w: bench_groups("small"),
    output:
        json=f"{results}/bench/small.json",
        page=f"{results}/bench/small.md",
        curves=f"{results}/bench/small.png",
    log:
        f"{results}/logs/bench/small.log",
