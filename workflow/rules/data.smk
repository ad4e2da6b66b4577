# From downloaded folders to packed arrays: manifest, cache, pack.

if cfg.generate:
    generated = [
        path
        for name in cfg.splits()
        for path in cfg.data.sources[name].input_files()
        if Path(path).is_relative_to(cfg.generate.out)
    ]

    rule films:
        output:
            generated,
        log:
            f"{results}/logs/films.log",
        threads: cfg.resources.workers
        params:
            slice=slice_text(cfg.generate),
            code=code_hash("qcxr.phantom.demo"),
        message:
            "Draw demo films into {cfg.generate.out}"
        script:
            "../scripts/films.py"


rule manifest:
    input:
        tables=lambda w: there(cfg.data.sources[w.dataset].input_files()),
    output:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        counts=f"{results}/manifest/{{dataset}}-counts.csv",
    log:
        f"{results}/logs/manifest/{{dataset}}.log",
        issues=f"{results}/logs/manifest/{{dataset}}-issues.csv",  # a log: it outlives a refusal
    params:
        slice=lambda w: slice_text(
            cfg.data.sources[w.dataset],
            splits=MANIFESTED[w.dataset],
            labels=labels_needed(w.dataset),
        ),
        code=code_hash("qcxr.data.manifest"),
    message:
        "Read and check the label files of {wildcards.dataset}"
    script:
        "../scripts/manifest.py"


rule cache:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        tables=lambda w: there(cfg.data.sources[w.dataset].input_files()),
    output:
        f"{results}/cached/{{dataset}}.json",
    log:
        f"{results}/logs/cache/{{dataset}}.log",
        issues=f"{results}/logs/cache/{{dataset}}-issues.csv",
    threads: cfg.resources.workers
    params:
        slice=lambda w: slice_text(
            images=cfg.data.sources[w.dataset].images,
            resize=cfg.image.resize,
            crop=cfg.image.crop,
        ),
        code=code_hash("qcxr.data.cache"),
    message:
        "Decode and cache the films of {wildcards.dataset}"
    script:
        "../scripts/cache.py"


rule pack:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        cached=f"{results}/cached/{{dataset}}.json",
    output:
        films=f"{results}/packed/{{dataset}}-{{split}}.npy",
        index=f"{results}/packed/{{dataset}}-{{split}}.parquet",
        facts=f"{results}/packed/{{dataset}}-{{split}}.json",
    log:
        f"{results}/logs/pack/{{dataset}}-{{split}}.log",
    params:
        slice=slice_text(resize=cfg.image.resize, crop=cfg.image.crop),
        code=code_hash("qcxr.data.pack"),
    message:
        "Pack the {wildcards.split} films of {wildcards.dataset} into one array"
    script:
        "../scripts/pack.py"


rule audit:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        cached=f"{results}/cached/{{dataset}}.json",
    output:
        page=report(
            f"{results}/audit/{{dataset}}.html",
            caption="../report/audit.rst",
            category="Audit",
        ),
        films=f"{results}/audit/{{dataset}}-films.png",
        issues=f"{results}/audit/{{dataset}}-issues.csv",
    log:
        f"{results}/logs/audit/{{dataset}}.log",
    params:
        slice=slice_text(cfg.augment, resize=cfg.image.resize, crop=cfg.image.crop),
        code=code_hash("qcxr.data.page"),
    message:
        "Audit the films and labels of {wildcards.dataset}"
    script:
        "../scripts/audit.py"
