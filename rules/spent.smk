# With `keep_exchange: false`: files by which jobs hand rows to each other go once their stage is whole.
#
# Input: the exchange files of a stage, which Snakemake takes away (`temp`) when the last job is done that names them; and
#        the last files of all its shards. A barrier alone names the files of a crossing, and they would go with it, before
#        a job has read them.
# Output: <results>/<stage>/spent.json, how many files and bytes they were.


rule spent:
    input:
        lambda wildcards: [path for _, files in exchanged(wildcards.stage) for path in files],
        lambda wildcards: parts(f"{RESULTS}/{wildcards.stage}/stats/part-{{shard}}.json"),
    output:
        spent=f"{RESULTS}/{{stage}}/spent.json",
    log:
        f"{LOGS}/{{stage}}/spent.log",
    benchmark:
        f"{BENCHMARKS}/{{stage}}/spent.tsv"
    wildcard_constraints:
        stage="|".join(EXCHANGED),
    # Space first.
    priority: 50
    localrule: True
    conda:
        "../envs/cpu.yaml"
    params:
        spec=lambda wildcards: [
            f"{Path(pattern).parent.name if '{' in pattern else Path(pattern).name}={len(files)}"
            for pattern, files in exchanged(wildcards.stage)
        ],
    shell:
        "python -m tamis.spent {output.spent:q} {params.spec:q} > {log:q} 2>&1"
