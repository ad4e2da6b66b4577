# Probabilities of every run on every test set, and on the validation split, where thresholds are chosen.


rule predict:
    input:
        unpack(lambda w: read_by(w, *EVALUATIONS[w.dataset])),
        weights=f"{RUN}/best.safetensors",
        leaks=lambda w: (
            []
            if w.dataset == "validation"
            else f"{results}/leaks/test-{w.dataset}.csv"
        ),
    output:
        PREDICTIONS,
    log:
        f"{results}/logs/predict/{NAMED}-{{dataset}}.log",
    threads: cfg.resources.train_threads
    resources:
        gpu=cfg.resources.cards(),
    params:
        code=lambda w: slices.prediction_code(recipe_of(w)),
    message:
        "Predict {wildcards.dataset} with {wildcards.task}/{wildcards.head}{wildcards.variant}/seed{wildcards.seed}"
    script:
        "../scripts/predict.py"
