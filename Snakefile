# The study, from label files and films to statistics, figures and a report. Logic lives in the qcxr package.
#   snakemake --cores 16 --resources gpu=4                                  the paper's protocol
#   snakemake --cores 2 --configfile config/demo.yaml                       the demo (make demo)
#   snakemake -n --quiet rules                                              the plan
import gc
import os
import sys
from pathlib import Path

from snakemake.utils import min_version

from qcxr.bench import machine
from qcxr.errors import InputError
from qcxr.study import config as configuration
from qcxr.study import digests, hugepages, leftlock, stopping, warm, yamlfile
from qcxr.study.job import show
from qcxr.study.obstacles import obstacles

min_version("9.10")

# A plan of thousands of runs is millions of small objects that live to its end; Python's collector would look through
# them again and again, which is half of the time of a plan of 20,000 jobs.
gc.set_threshold(200_000, 20, 100)

# The configuration of the folder that the study runs in, or the protocol beside this file (--directory elsewhere).
PROTOCOL = "config/config.yaml"
if not Path(PROTOCOL).exists():
    PROTOCOL = workflow.source_path(PROTOCOL)

# Snakemake reads the files itself, and takes the last of a key given twice: they are checked before it reads ours. Those
# of --configfile it has read by then: what is no YAML there is said in its words.
try:
    for file in [PROTOCOL, *workflow.configfiles]:
        if Path(file).exists():
            yamlfile.read(file)
except InputError as error:
    sys.exit(f"error: {error}")


configfile: PROTOCOL


try:
    cfg = configuration.parse(config)
except InputError as error:
    sys.exit(f"error: {error}")

results = cfg.results
os.environ.update(hugepages.environment())  # of the jobs
warm.offer(local=workflow.is_main_process and workflow.local_exec)
if workflow.is_main_process:
    digests.offer(sys.argv[1:])
    locked = leftlock.said(Path.cwd())
    if locked and not workflow.dryrun and "--unlock" not in sys.argv:
        print(locked, file=sys.stderr)


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/features.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/search.smk"
include: "workflow/rules/peers.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/analyse.smk"


report: "workflow/report/workflow.rst"


rule all:
    default_target: True
    input:
        f"{results}/report.html",
        f"{results}/summary.txt",
        f"{results}/model-card.md",
        f"{results}/data-card.md",
        f"{results}/data-card.json",
        f"{results}/checklist.md",
        expand(f"{results}/audit/{{dataset}}.html", dataset=MANIFESTED),
        expand(f"{results}/figures/{{figure}}.pdf", figure=FIGURES),
        # a file of each job of a run, so that one whose folder is gone is made again
        every_run(f"{RUN}/run.json", PREDICTIONS, dataset=EVALUATIONS),
        every_run(METRICS, dataset=TESTED),
        [f"{results}/search.csv"] if SEARCHED else [],
        [
            every_trial(f"{RUN}/run.json", METRICS, task=t, head=h)
            for t in cfg.tasks
            for h in SEARCHED
        ],


# benchmarks need nothing of the study, which may have no films yet
onstart:
    if {str(job.rule) for job in workflow.dag.needrun_jobs()} - BENCHES:
        if gone := obstacles(cfg):
            sys.exit(f"error: {gone[0]}")
        preflight()
    stopping.on_sigterm()


onsuccess:
    if (summary := Path(f"{results}/summary.txt")).exists():
        show(summary.read_text(encoding="utf-8"))
