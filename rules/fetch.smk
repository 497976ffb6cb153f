# Fetch what the sources name that lies elsewhere: pinned source releases, one a job, and remote files, a unit a job.
#
# Input: none; the requirements files, addresses and lists of `sources`, and those of benchmarks, say what to fetch.
# Output: downloads/<name>-<version>.sdist, checked against its sha256; downloads/<host>/…, each with a record of where it
# came from, and what came of each file of a unit in <results>/ingest/fetched/. Downloads are kept over runs.
# Steps: fetch_unit (a unit with remote files), fetch_release (a release).

from tamis.readers.fetch import DOWNLOADS
from tamis.readers.releases import requirement_lines

BENCHMARK_RELEASES = CFG.decontamination.releases() if "decontamination" in PIPELINE else []
REQUIREMENT_LINES = requirement_lines(CFG.sources, BENCHMARK_RELEASES)


# The files are no outputs: Snakemake would delete terabytes before a job that finds them there.
rule:
    name:
        "fetch_unit"
    output:
        output=f"{RESULTS}/ingest/fetched/part-{{unit}}.json",
    log:
        f"{LOGS}/ingest/fetch-{{unit}}.log",
    benchmark:
        f"{BENCHMARKS}/ingest/fetch-{{unit}}.tsv"
    # On the machine that starts the workflow: the nodes of a cluster often have no way out.
    localrule: True
    conda:
        "../envs/cpu.yaml"
    resources:
        # How files are come by: no resource, but what a job is told and no rerun looks at.
        ways=lambda wildcards, attempt: UNITS[int(wildcards.unit)].ways(),
    params:
        spec=spec("fetch", each=lambda wildcards: UNITS[int(wildcards.unit)].fetched_by()),
    shell:
        job("fetch", "unit", beside={"ways": "{resources.ways:q}"})


rule fetch_release:
    output:
        release=f"{DOWNLOADS}/{{release}}",
    log:
        f"{LOGS}/fetch/{{release}}.log",
    benchmark:
        f"{BENCHMARKS}/fetch/{{release}}.tsv"
    retries: 2
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        spec=lambda wildcards: REQUIREMENT_LINES[wildcards.release],
    shell:
        'python -m tamis.readers.fetch --requirement {params.spec:q} --into "$(dirname {output.release:q})" > {log:q} 2>&1'
