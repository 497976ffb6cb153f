# What each document is about: general, math, code, reasoning or multilingual.
#
# Input: the documents of the stage before and, with `features: embeddings`, the embeddings of a classifier.
# Output: <results>/domains/{documents,dropped,scores,stats}/part-*, the classifier (model) and its card (card.md).
# Steps: label (a shard) → train (one job) → score (a shard) → apply (a shard).

DOMAINS_EMBED = CFG.domains.features == "embeddings"


rule domains_label:
    input:
        documents=documents_before("domains"),
    output:
        output=f"{RESULTS}/domains/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/domains/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        job("domains", "label")


rule domains_train:
    input:
        ancient(CFG.domains.labels.paths()),
        labels=crossing("domains/labels"),
        embeddings=(crossing(f"{CFG.domains.embeddings}/embeddings", suffix=".parquet") if DOMAINS_EMBED else []),
    output:
        model=f"{RESULTS}/domains/model",
        card=f"{RESULTS}/domains/card.json",
        card_text=f"{RESULTS}/domains/card.md",
    log:
        f"{LOGS}/domains/train.log",
    benchmark:
        f"{BENCHMARKS}/domains/train.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("domains", section=CFG.domains.for_scoring(), given=given(*CFG.domains.labels.paths())),
    shell:
        job("domains", "train", writes="model card card_text")


rule domains_score:
    input:
        documents=documents_before("domains"),
        embeddings=(f"{RESULTS}/{CFG.domains.embeddings}/embeddings/part-{{shard}}.parquet" if DOMAINS_EMBED else []),
        model=f"{RESULTS}/domains/model",
        card=f"{RESULTS}/domains/card.json",
    output:
        scores=f"{RESULTS}/domains/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/domains/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        job("domains", "score", writes="scores")


rule domains_apply:
    input:
        documents=documents_before("domains"),
        scores=f"{RESULTS}/domains/scores/part-{{shard}}.parquet",
    output:
        **outcome("domains"),
    log:
        f"{LOGS}/domains/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("domains"),
    shell:
        job("domains", "apply", writes=OUTCOME)
