# Fetch the pinned source releases that the sources name, one a job.
#
# Input: none; the requirements files of `sources` say what to fetch.
# Output: downloads/<name>-<version>.sdist, checked against its sha256; kept over runs.
# Steps: fetch_release (a release).

from tamis.readers.fetch import DOWNLOADS
from tamis.readers.releases import requirement_lines

REQUIREMENT_LINES = requirement_lines(CFG.sources)


# On the machine that starts the workflow: the nodes of a cluster often have no way out.
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
