# Probabilities of every run on every test set, and on the validation split, where thresholds are chosen.


rule predict:
    input:
        unpack(lambda w: packed(*EVALUATIONS[w.dataset])),
        weights=f"{RUN}/best.safetensors",
    output:
        f"{RUN}/predictions/{{dataset}}.parquet",
    log:
        f"{results}/logs/predict/{{task}}-{{head}}-seed{{seed}}-{{dataset}}.log",
    threads: cfg.resources.train_threads
    resources:
        gpu=1,
    params:
        code=lambda w: slices.prediction_code(w.head),
    message:
        "Predict {wildcards.dataset} with {wildcards.task}/{wildcards.head}/seed{wildcards.seed}"
    script:
        "../scripts/predict.py"
