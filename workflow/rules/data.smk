# From downloaded folders to packed arrays: manifest, cache, pack.
from qcxr.study import kinds

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
            f"Draw demo films into {cfg.generate.out}"
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
            "qcxr.data.manifest", *kinds.modules(cfg.data.sources[w.dataset].kind)
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
        slice=lambda w: slices.attributes(cfg.data.sources[w.dataset]),
        code=lambda w: code_hash(
            "qcxr.data.attributes", *kinds.modules(cfg.data.sources[w.dataset].kind)
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


if JOINED:

    PARTS = f"{results}/{{{{kind}}}}/{{source}}-{{{{split}}}}"

    rule join:
        input:
            films=expand(f"{PARTS}.npy", source=cfg.data.training),
            indices=expand(f"{PARTS}.parquet", source=cfg.data.training),
            facts=expand(f"{PARTS}.json", source=cfg.data.training),
        output:
            index=f"{results}/{{kind}}/{{joined}}-{{split}}.parquet",
            facts=f"{results}/{{kind}}/{{joined}}-{{split}}.json",
        log:
            f"{results}/logs/join/{{kind}}/{{joined}}-{{split}}.log",
        params:
            code=code_hash("qcxr.data.join"),
        message:
            "Join the {wildcards.split} films of {wildcards.joined} ({wildcards.kind})"
        script:
            "../scripts/join.py"

    rule count:
        input:
            manifests=expand(
                f"{results}/manifest/{{dataset}}.parquet", dataset=cfg.data.training
            ),
        output:
            f"{results}/manifest/{{joined}}-counts.csv",
        log:
            f"{results}/logs/manifest/{{joined}}-counts.log",
        params:
            code=code_hash("qcxr.data.join"),
        message:
            "Count the labels of {wildcards.joined}"
        script:
            "../scripts/count.py"


# Neither has a slice or a code: whether something leaks decides no weights, and a study that grows trains nothing again.
rule leaks:
    input:
        **learned(),
    output:
        f"{results}/leaks/before-training.csv",
    log:
        f"{results}/logs/leaks/before-training.log",
        found=f"{results}/logs/leaks/before-training.csv",  # a log: it outlives a refusal
    threads: cfg.resources.workers
    message:
        "Look for films and patients of one split in another"
    script:
        "../scripts/leaks.py"


rule leaks_into:
    input:
        **learned(),
        tested=f"{results}/manifest/{{dataset}}.parquet",
        ready=f"{results}/cached/{{dataset}}-test.json",
    output:
        f"{results}/leaks/test-{{dataset}}.csv",
    log:
        f"{results}/logs/leaks/test-{{dataset}}.log",
        found=f"{results}/logs/leaks/test-{{dataset}}.csv",
    message:
        "Look for training films and patients among the test films of {wildcards.dataset}"
    script:
        "../scripts/leaks_into.py"


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
            "qcxr.data.page", *kinds.modules(cfg.data.sources[w.dataset].kind)
        ),
    message:
        "Audit the films and labels of {wildcards.dataset}"
    script:
        "../scripts/audit.py"
