# Names of files and the pieces that rules share.
from qcxr.provenance import PACKAGE, code_hash, digest_file, slice_text

RUN = f"{results}/runs/{{task}}/{{head}}/seed{{seed}}"
EVALUATIONS = cfg.evaluations()
MANIFESTED = cfg.splits()


wildcard_constraints:
    task="|".join(cfg.tasks),
    head="|".join(cfg.heads),
    seed=r"\d+",
    dataset="|".join({*EVALUATIONS, *MANIFESTED}),
    split="train|val|test",


def there(paths):
    """The files that exist or that a rule makes: a plan without data is still a plan (`onstart` refuses to run it)."""
    return [
        p
        for p in paths
        if Path(p).exists()
        or (cfg.generate and Path(p).is_relative_to(cfg.generate.out))
    ]


def every_run(pattern, **wildcards):
    """`pattern` for every task, head and seed, or for those given."""
    return expand(
        pattern,
        **{"task": cfg.tasks, "head": cfg.heads, "seed": cfg.seeds, **wildcards},
    )
