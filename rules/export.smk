# Hand every set to trainers: Parquet shards in one global random order, a dataset card, a list of files with sha256.
#
# Input: documents and summary of the sets (rules/sets.smk).
# Output: <results>/export/<name>/{parquet/part-*.parquet,README.md,export.json}.
# Steps: shuffle (set's files to output shards) → write → card.
# Another training stack is a module of tamis/export with a folder export/<name>/<stack> and rules of its own.

EXPORT_SPEC = spec("parquet", CFG.export, each=lambda wildcards: EXPORTS[wildcards.export].export_params())
for chosen in EXPORTS.values():
    crossing(f"sampling/export/{chosen.name}/shuffle", chosen.section.files)


rule export_shuffle:
    input:
        # Nothing is exported that was not held to its plan.
        lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export].folder}/summary.json",
        documents=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export].folder}/documents/part-{{file}}.parquet",
    output:
        # Gone once the card, which names them, has been written.
        output=temp(f"{SAMPLING}/export/{{export}}/shuffle/part-{{file}}.arrow"),
    log:
        f"{LOGS}/export/{{export}}/shuffle-{{file}}.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/shuffle-{{file}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=EXPORT_SPEC,
    shell:
        job("parquet", "shuffle")


rule export_write:
    input:
        barrier=f"{SAMPLING}/export/{{export}}/shuffle/barrier.json",
    output:
        output=f"{RESULTS}/export/{{export}}/parquet/part-{{shard}}.parquet",
        stats=f"{SAMPLING}/export/{{export}}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/export/{{export}}/write-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/write-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=EXPORT_SPEC,
    shell:
        job("parquet", "write", writes="output stats")


rule export_card:
    input:
        files_of_export(f"{RESULTS}/export/{{export}}/parquet/part-{{shard}}.parquet"),
        files_of_export(f"{SAMPLING}/export/{{export}}/stats/part-{{shard}}.json"),
        lambda wildcards: parts(
            f"{SAMPLING}/export/{{export}}/shuffle/part-{{file}}.arrow", EXPORTS[wildcards.export].section.files
        ),
        # The first of the stats; the others lie beside it.
        stats=f"{SAMPLING}/export/{{export}}/stats/part-00000.json",
        summary=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export].folder}/summary.json",
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
    params:
        spec=EXPORT_SPEC,
    shell:
        job("parquet", "card", writes="readme manifest")
