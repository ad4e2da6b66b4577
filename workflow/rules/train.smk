# One job per task, head and seed, with a card of its own where there are cards.


rule train:
    input:
        train_films=packed(cfg.data.train_on, "train")["films"],
        train_index=packed(cfg.data.train_on, "train")["index"],
        train_facts=packed(cfg.data.train_on, "train")["facts"],
        val_films=packed(cfg.data.train_on, "val")["films"],
        val_index=packed(cfg.data.train_on, "val")["index"],
        val_facts=packed(cfg.data.train_on, "val")["facts"],
    output:
        weights=f"{RUN}/best.safetensors",
        history=f"{RUN}/history.csv",
        steps=f"{RUN}/steps.csv",
        run=f"{RUN}/run.json",
    log:
        f"{results}/logs/train/{{task}}-{{head}}-seed{{seed}}.log",
    benchmark:
        f"{results}/benchmarks/train/{{task}}-{{head}}-seed{{seed}}.tsv"
    threads: cfg.resources.train_threads
    resources:
        gpu=cfg.train.devices,
    params:
        slice=lambda w: slices.training(cfg, w.task, w.head),
        code=lambda w: slices.training_code(w.head),
    message:
        "Train {wildcards.task} with {wildcards.head}, seed {wildcards.seed}"
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
            cfg.backbone,
            cfg.train,
            tasks={task: cfg.labels(task) for task in cfg.tasks},
            heads={head: cfg.head.get(head, {}) for head in cfg.heads},
        ),
        code=slices.studied_code("qcxr.training.preflight", cfg.heads),
    message:
        "Build every model once and count its parameters (Table II)"
    script:
        "../scripts/parameters.py"
