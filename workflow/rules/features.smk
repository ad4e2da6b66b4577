# A frozen backbone's features, once for all heads and seeds (backbone.views); without views no job needs this rule.


rule features:
    input:
        films=f"{results}/packed/{{dataset}}-{{split}}.npy",
        index=f"{results}/packed/{{dataset}}-{{split}}.parquet",
        facts=f"{results}/packed/{{dataset}}-{{split}}.json",
    output:
        films=f"{results}/features/{{dataset}}-{{split}}.npy",
        index=f"{results}/features/{{dataset}}-{{split}}.parquet",
        facts=f"{results}/features/{{dataset}}-{{split}}.json",
    log:
        f"{results}/logs/features/{{dataset}}-{{split}}.log",
    threads: cfg.resources.train_threads
    resources:
        gpu=1,
    params:
        slice=lambda w: slice_text(
            cfg.backbone,
            image=[cfg.image.mean, cfg.image.std],
            augment=(
                cfg.augment.model_dump()
                if (w.dataset, w.split) == (cfg.data.train_on, "train")
                else None
            ),
            precision=cfg.train.precision,
            checkpoint=slices.checkpoint(cfg),
        ),
        code=code_hash("qcxr.training.frozen"),
    message:
        "Compute the backbone's features of the {wildcards.split} films of {wildcards.dataset}"
    script:
        "../scripts/features.py"
