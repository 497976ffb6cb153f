# Hand every set to trainers: one global random order, the formats that are asked for, a card, a list of files with sha256.
#
# Input: documents and summary of the sets (rules/sets.smk).
# Output: <results>/export/<name>/{<format>/part-*,README.md,export.json}.
# Steps: shuffle (set's files to output shards) → write (an output shard in a format) → card.

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
        spec=spec("order", CFG.export.order(), each=export_params),
    shell:
        job("order", "shuffle")


rule export_write:
    input:
        barrier=lambda wildcards: awaited(f"sampling/export/{wildcards.export}/shuffle"),
    output:
        output=f"{RESULTS}/export/{{export}}/{{format}}/part-{{shard}}{{suffix}}",
        stats=f"{SAMPLING}/export/{{export}}/stats/{{format}}/part-{{shard}}{{suffix}}.json",
    log:
        f"{LOGS}/export/{{export}}/{{format}}-{{shard}}{{suffix}}.log",
    benchmark:
        f"{BENCHMARKS}/export/{{export}}/{{format}}-{{shard}}{{suffix}}.tsv"
    wildcard_constraints:
        format="|".join(EXPORT_FILES),
        suffix=r"\.[a-z0-9.]+",
    conda:
        "../envs/cpu.yaml"
    params:
        spec=format_spec,
    shell:
        job("parquet", "write", writes="output stats", wildcard="format")


rule export_card:
    input:
        [files_of_export(f"{RESULTS}/export/{{export}}/{files}") for files in EXPORT_FILES.values()],
        [files_of_export(f"{SAMPLING}/export/{{export}}/stats/{files}.json") for files in EXPORT_FILES.values()],
        lambda wildcards: parts(
            f"{SAMPLING}/export/{{export}}/shuffle/part-{{file}}.arrow", EXPORTS[wildcards.export].section.files
        ),
        # The first of the stats; the others lie beside it, those of other formats in folders beside its own.
        stats=f"{SAMPLING}/export/{{export}}/stats/{next(iter(EXPORT_FILES.values()))}.json".replace("{shard}", "00000"),
        summary=lambda wildcards: f"{RESULTS}/{EXPORTS[wildcards.export].folder}/summary.json",
        training=f"{RESULTS}/tokenizer/training.json",
        contamination=f"{RESULTS}/decontamination/contamination.json" if "decontamination" in PIPELINE else [],
        retention=f"{RESULTS}/toxicity/retention.parquet" if "toxicity" in PIPELINE else [],
        privacy=crossing("privacy/stats", suffix=".json") if "privacy" in PIPELINE else [],
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
        spec=spec("card", CFG.export.order(), each=export_params, formats=list(EXPORT_FILES)),
    shell:
        job("card", "write", writes="readme manifest")
