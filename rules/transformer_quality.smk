# Fine quality: a frozen encoder with a small head.
#
# Input: the documents of the stage before. Output: <results>/transformer_quality/{documents,dropped,scores,stats}/part-*,
#        and beside them the head, its card (card.md), backbone.json and embeddings/part-*, which `domains` reads too.
# Steps: backbone (one job) → embed (a shard), label (a shard) → head (one job) → score (a shard) → threshold (one job)
# → apply (a shard); moving a threshold runs the last two, changing a label keeps the embeddings.


rule transformer_quality_backbone:
    input:
        ancient(CFG.transformer_quality.backbone.local_files()),
    output:
        output=f"{RESULTS}/transformer_quality/backbone.json",
    log:
        f"{LOGS}/transformer_quality/backbone.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/backbone.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "transformer_quality",
            section=CFG.transformer_quality.for_embedding(),
            given=given(*CFG.transformer_quality.backbone.local_files()),
        ),
    shell:
        job("transformer_quality", "backbone")


rule transformer_quality_label:
    input:
        documents=documents_before("transformer_quality"),
    output:
        output=f"{RESULTS}/transformer_quality/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/transformer_quality/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_scoring()),
    shell:
        job("transformer_quality", "label")


rule transformer_quality_embed:
    input:
        documents=documents_before("transformer_quality"),
        backbone=f"{RESULTS}/transformer_quality/backbone.json",
    output:
        embeddings=f"{RESULTS}/transformer_quality/embeddings/part-{{shard}}.parquet",
    log:
        f"{LOGS}/transformer_quality/embed-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/embed-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: CFG.transformer_quality.backbone.threads
    resources:
        runtime=240,
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_embedding()),
    shell:
        job("transformer_quality", "embed", writes="embeddings")


rule transformer_quality_head:
    input:
        ancient(CFG.transformer_quality.labels.paths()),
        labels=crossing("transformer_quality/labels"),
        embeddings=crossing("transformer_quality/embeddings", suffix=".parquet"),
        backbone=f"{RESULTS}/transformer_quality/backbone.json",
    output:
        head=f"{RESULTS}/transformer_quality/head.json",
        card=f"{RESULTS}/transformer_quality/card.json",
        card_text=f"{RESULTS}/transformer_quality/card.md",
    log:
        f"{LOGS}/transformer_quality/head.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/head.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec(
            "transformer_quality",
            section=CFG.transformer_quality.for_scoring(),
            given=given(*CFG.transformer_quality.labels.paths()),
        ),
    shell:
        job("transformer_quality", "head", writes="head card card_text")


rule transformer_quality_score:
    input:
        documents=documents_before("transformer_quality"),
        embeddings=f"{RESULTS}/transformer_quality/embeddings/part-{{shard}}.parquet",
        head=f"{RESULTS}/transformer_quality/head.json",
    output:
        scores=f"{RESULTS}/transformer_quality/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/transformer_quality/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_scoring()),
    shell:
        job("transformer_quality", "score", writes="scores")


rule transformer_quality_threshold:
    input:
        barrier=crossing("transformer_quality/scores", suffix=".parquet"),
    output:
        output=f"{RESULTS}/transformer_quality/thresholds.json",
    log:
        f"{LOGS}/transformer_quality/threshold.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/threshold.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("transformer_quality"),
    shell:
        job("transformer_quality", "threshold")


rule transformer_quality_apply:
    input:
        documents=documents_before("transformer_quality"),
        scores=f"{RESULTS}/transformer_quality/scores/part-{{shard}}.parquet",
        thresholds=f"{RESULTS}/transformer_quality/thresholds.json",
    output:
        **outcome("transformer_quality"),
    log:
        f"{LOGS}/transformer_quality/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("transformer_quality"),
    shell:
        job("transformer_quality", "apply", writes=OUTCOME)
