# From downloaded folders to packed arrays: manifest, cache, pack.
from qcxr.study.data import SOURCES

if cfg.generate:
    tables = [
        path
        for source in map(cfg.data.sources.get, cfg.splits())
        for path in (*source.input_files(), *source.attribute_files().values())
    ]
    generated = [
        path
        for path in dict.fromkeys(tables)
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
        # not the splits and labels in use: a study that grows reads no label file again
        slice=lambda w: slices.manifest(cfg.data.sources[w.dataset]),
        code=lambda w: code_hash(
            "qcxr.data.manifest", SOURCES[cfg.data.sources[w.dataset].kind]
        ),
    message:
        "Read and check the label files of {wildcards.dataset}"
    script:
        "../scripts/manifest.py"


rule attributes:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        tables=lambda w: there(cfg.data.sources[w.dataset].attribute_files().values()),
    output:
        f"{results}/manifest/{{dataset}}-attributes.parquet",
    log:
        f"{results}/logs/manifest/{{dataset}}-attributes.log",
    params:
        # beside the manifest, not in it: no run depends on a patient's age or sex
        slice=lambda w: slice_text(
            kind=cfg.data.sources[w.dataset].kind,
            **cfg.data.sources[w.dataset].attribute_files(),
        ),
        code=lambda w: code_hash(
            "qcxr.data.attributes", SOURCES[cfg.data.sources[w.dataset].kind]
        ),
    message:
        "Read sex, age and view of the films of {wildcards.dataset}"
    script:
        "../scripts/attributes.py"


rule cache:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        tables=lambda w: there(cfg.data.sources[w.dataset].input_files()),
    output:
        f"{results}/cached/{{dataset}}-{{split}}.json",
    log:
        f"{results}/logs/cache/{{dataset}}-{{split}}.log",
        issues=f"{results}/logs/cache/{{dataset}}-{{split}}-issues.csv",
    threads: cfg.resources.workers
    params:
        slice=lambda w: slice_text(
            images=cfg.data.sources[w.dataset].images, **cfg.prepared.prepares()
        ),
        code=code_hash("qcxr.data.cache"),
    message:
        "Decode and cache the {wildcards.split} films of {wildcards.dataset}"
    script:
        "../scripts/cache.py"


rule pack:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        cached=f"{results}/cached/{{dataset}}-{{split}}.json",
    output:
        films=f"{results}/packed/{{dataset}}-{{split}}.npy",
        index=f"{results}/packed/{{dataset}}-{{split}}.parquet",
        facts=f"{results}/packed/{{dataset}}-{{split}}.json",
    log:
        f"{results}/logs/pack/{{dataset}}-{{split}}.log",
    params:
        slice=slice_text(**cfg.prepared.prepares()),
        code=code_hash("qcxr.data.pack"),
    message:
        "Pack the {wildcards.split} films of {wildcards.dataset} into one array"
    script:
        "../scripts/pack.py"


rule audit:
    input:
        manifest=f"{results}/manifest/{{dataset}}.parquet",
        cached=lambda w: expand(
            f"{results}/cached/{w.dataset}-{{split}}.json", split=MANIFESTED[w.dataset]
        ),
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
        slice=lambda w: slice_text(
            cfg.augment, **cfg.prepared.prepares(), splits=MANIFESTED[w.dataset]
        ),
        code=lambda w: code_hash(
            "qcxr.data.page", SOURCES[cfg.data.sources[w.dataset].kind]
        ),
    message:
        "Audit the films and labels of {wildcards.dataset}"
    script:
        "../scripts/audit.py"
