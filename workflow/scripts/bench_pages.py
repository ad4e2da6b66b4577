"""Put the groups' rows together as this machine's file, and make its page and figure."""

from qcxr.bench import machinefile
from qcxr.study.job import job

with job(snakemake.log[0]):
    machinefile.collect(snakemake.input, snakemake.output.json)
    machinefile.publish(snakemake.output.json)
