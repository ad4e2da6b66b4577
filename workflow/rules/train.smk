# One job per task, head, variant and seed, with a card of its own where there are cards.


rule train:
    input:
        unpack(training_files),
        leaks=f"{results}/leaks/before-training.csv",
        choice=lambda w: (
            f"{results}/search/{w.task}/{w.head}.json"
            if w.head in SEARCHED and not is_trial(w)
            else []
        ),
    output:
        weights=f"{RUN}/best.safetensors",
        history=f"{RUN}/history.csv",
        steps=f"{RUN}/steps.csv",
        run=f"{RUN}/run.json",
    log:
        f"{results}/logs/train/{NAMED}.log",
    benchmark:
        f"{results}/benchmarks/train/{NAMED}.tsv"
    threads: cfg.resources.train_threads
    resources:
        gpu=lambda w: cfg.resources.cards(recipe_of(w).train.devices),
    params:
        slice=lambda w: training_slice(w.task, w.head, w.variant[1:]),
        code=lambda w: slices.training_code(recipe_of(w)),
    message:
        "Train {wildcards.task} with {wildcards.head}{wildcards.variant}, seed {wildcards.seed}"
    script:
        "../scripts/train.py"


rule parameters:
    output:
        f"{results}/parameters.csv",
    log:
        f"{results}/logs/parameters.log",
    priority: 10  # first: a model that cannot be built is found out before films are decoded
    params:
        slice=slice_text(
            tasks={task: cfg.labels(task) for task in cfg.tasks},
            heads={head: cfg.recipe(head).decides() for head in cfg.names},
            **slices.checkpoints({head: cfg.recipe(head) for head in cfg.names}),
        ),
        code=slices.studied_code(
            "qcxr.training.preflight", KINDS, map(cfg.recipe, cfg.names)
        ),
    message:
        "Build every model once and count its parameters (Table II)"
    script:
        "../scripts/parameters.py"
