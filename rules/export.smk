# Hand every set to trainers: Parquet shards in one global random order, a dataset card, a list of files with sha256.
#
# Input: documents and summary of the sets (rules/mixtures.smk).
# Output: <results>/export/<name>/{parquet/part-*.parquet,README.md,export.json}.
# Usual steps: shuffle (set's files to output shards) → barrier → write → card.
# Another training stack is a module of tamis/export with a folder export/<name>/<stack> and rules of its own.


for name, folder in EXPORTS.items():
    crossing(f"sampling/export/{name}/shuffle", SUBSETS[folder].files)


rule export_shuffle:
    input:
        documents=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export]}/documents/part-{wildcards.file}.parquet",
        # Nothing is exported that was not held to its plan.
        summary=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export]}/summary.json",
    output:
        # Gone once the card, which names them, has been written.
        rows=temp(f"{SAMPLING}/export/{{export}}/shuffle/part-{{file}}.arrow"),
    log:
        f"{LOGS}/export/{{export}}/shuffle-{{file}}.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/shuffle-{{file}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=lambda wildcards: export_spec(wildcards.export),
    shell:
        "python -m tamis.job parquet shuffle --params {params.spec:q}"
        " documents={input.documents:q} output={output.rows:q} > {log:q} 2>&1"


rule export_write:
    input:
        barrier=f"{SAMPLING}/export/{{export}}/shuffle/barrier.json",
    output:
        part=f"{RESULTS}/export/{{export}}/parquet/part-{{shard}}.parquet",
        stats=f"{SAMPLING}/export/{{export}}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/export/{{export}}/write-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/write-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        spec=lambda wildcards: export_spec(wildcards.export),
    shell:
        "python -m tamis.job parquet write --params {params.spec:q} shard={wildcards.shard}"
        " barrier={input.barrier:q} output={output.part:q} stats={output.stats:q} > {log:q} 2>&1"


rule export_card:
    input:
        files=lambda wildcards: parts(
            f"{RESULTS}/export/{wildcards.export}/parquet/part-{{shard}}.parquet",
            export_shards(wildcards.export),
        ),
        stats=lambda wildcards: parts(
            f"{SAMPLING}/export/{wildcards.export}/stats/part-{{shard}}.json",
            export_shards(wildcards.export),
        ),
        rows=lambda wildcards: subset_files(
            EXPORTS[wildcards.export],
            f"{SAMPLING}/export/{wildcards.export}/shuffle/part-{{file}}.arrow",
        ),
        summary=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export]}/summary.json",
        training=f"{RESULTS}/tokenizer/training.json",
    output:
        readme=f"{RESULTS}/export/{{export}}/README.md",
        manifest=f"{RESULTS}/export/{{export}}/export.json",
    log:
        f"{LOGS}/export/{{export}}/card.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/card.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        spec=lambda wildcards: export_spec(wildcards.export),
    shell:
        "python -m tamis.job parquet card --params {params.spec:q} stats={input.stats[0]:q}"
        " summary={input.summary:q} training={input.training:q} readme={output.readme:q}"
        " manifest={output.manifest:q} > {log:q} 2>&1"


localrules:
    export,


rule export:
    input:
        [f"{RESULTS}/export/{name}/export.json" for name in EXPORTS],
        # Named too, so that a lost file is made again.
        [
            path
            for name in EXPORTS
            for path in parts(
                f"{RESULTS}/export/{name}/parquet/part-{{shard}}.parquet",
                export_shards(name),
            )
        ],
