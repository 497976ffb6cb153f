# What each document is about: general, math, code, reasoning or multilingual.
#
# Input: the documents of the stage before and, with `features: embeddings`, the embeddings of a classifier.
# Output: <results>/domains/{documents,dropped,scores,stats}/part-*, the classifier (model) and its card (card.md).
# Steps: label (a shard) → train (one job) → score (a shard) → apply (a shard).
#        With a judge, before train: sample (a shard) → judge (rules/judge.smk).

from tamis.classifiers.domain_rules import TAUGHT as TAUGHT_DOMAINS

DOMAINS_EMBED = CFG.domains.features == "embeddings"
# By what texts of label files and references are encoded.
DOMAINS_BACKBONE = CFG.section(CFG.domains.embeddings).backbone if DOMAINS_EMBED and "domains" in PIPELINE else None
DOMAINS_JUDGE = JUDGES.get("domains")
ASKED["domains"] = spec(
    "domains",
    section=DOMAINS_JUDGE and DOMAINS_JUDGE.for_answers(),
    code="judge",
    name="domains",
    classes=TAUGHT_DOMAINS,
    seed=CFG.domains.sampling.seed,
    given=given(str(DOMAINS_JUDGE.prompt)) if DOMAINS_JUDGE else {},
)


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
        judged=f"{RESULTS}/domains/judged.arrow" if DOMAINS_JUDGE else [],
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
        spec=spec(
            "domains",
            section=CFG.domains.for_scoring(),
            backbone=DOMAINS_BACKBONE and DOMAINS_BACKBONE.model_dump(mode="json"),
            given=given(*CFG.domains.labels.paths()),
        ),
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
        spec=spec("domains", section=CFG.domains.for_documents()),
    shell:
        job("domains", "apply", writes=OUTCOME)


rule domains_sample:
    input:
        documents=documents_before("domains"),
    output:
        output=f"{RESULTS}/domains/sample/part-{{shard}}.arrow",
    log:
        f"{LOGS}/domains/sample-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/sample-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        job("domains", "sample")
