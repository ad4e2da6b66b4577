# A frozen backbone's features, once for all heads and seeds (backbone.views); without views no job needs this rule.
PACKED = packed("{dataset}", "{split}", f"{results}/features{{features}}")


rule features:
    input:
        **packed("{dataset}", "{split}", f"{results}/packed"),
    output:
        **PACKED,
    log:
        f"{results}/logs/features{{features}}/{{dataset}}-{{split}}.log",
    threads: cfg.resources.train_threads
    resources:
        gpu=cfg.resources.cards(),
    params:
        slice=lambda w: slices.features(
            FEATURES[w.features],
            training=w.split == "train" and w.dataset in cfg.data.training,
        ),
        code=lambda w: slices.features_code(FEATURES[w.features]),
    message:
        "Compute the backbone's features of the {wildcards.split} films of {wildcards.dataset}"
    script:
        "../scripts/features.py"
