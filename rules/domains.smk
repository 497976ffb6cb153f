# What each document is about: general, math, code, reasoning or multilingual.
#
# Input: the documents of the stage before and, with `features: embeddings`, the embeddings of transformer_quality.
# Output: <results>/domains/{documents,dropped,scores,stats}/part-*, the classifier (model) and its card (card.md).
# Usual steps: label (a shard) → train (one job) → score (a shard) → apply (a shard).

DOMAINS = f"{RESULTS}/domains"
# Only one of the classifiers of `domains` needs embeddings.
DOMAINS_EMBEDDINGS = (
    {
        "barrier": crossing("transformer_quality/embeddings", suffix=".parquet"),
        "shard": f"{TRANSFORMER}/embeddings/part-{{shard}}.parquet",
    }
    if CFG.domains.features == "embeddings"
    else {"barrier": [], "shard": []}
)


localrules:
    domains,


rule domains_label:
    input:
        documents=documents_before("domains"),
    output:
        labels=f"{DOMAINS}/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/domains/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        "python -m tamis.job domains label --params {params.spec:q}"
        " documents={input.documents:q} output={output.labels:q} > {log:q} 2>&1"


rule domains_train:
    input:
        labels=crossing("domains/labels"),
        embeddings=DOMAINS_EMBEDDINGS["barrier"],
        files=CFG.domains.labels.paths(),
    output:
        model=f"{DOMAINS}/model",
        card=f"{DOMAINS}/card.json",
        card_text=f"{DOMAINS}/card.md",
    log:
        f"{LOGS}/domains/train.log",
    benchmark:
        f"{BENCHMARKS}/domains/train.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        "python -m tamis.job domains train --params {params.spec:q}"
        " labels={input.labels:q} embeddings={input.embeddings:q} model={output.model:q}"
        " card={output.card:q} card_text={output.card_text:q} > {log:q} 2>&1"


rule domains_score:
    input:
        documents=documents_before("domains"),
        embeddings=DOMAINS_EMBEDDINGS["shard"],
        model=f"{DOMAINS}/model",
    output:
        scores=f"{DOMAINS}/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/domains/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("domains", section=CFG.domains.for_scoring()),
    shell:
        "python -m tamis.job domains score --params {params.spec:q}"
        " documents={input.documents:q} embeddings={input.embeddings:q}"
        " model={input.model:q} scores={output.scores:q} > {log:q} 2>&1"


rule domains_apply:
    input:
        documents=documents_before("domains"),
        scores=f"{DOMAINS}/scores/part-{{shard}}.parquet",
    output:
        kept=f"{DOMAINS}/documents/part-{{shard}}.parquet",
        dropped=f"{DOMAINS}/dropped/part-{{shard}}.parquet",
        stats=f"{DOMAINS}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/domains/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/domains/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("domains"),
    shell:
        "python -m tamis.job domains apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} scores={input.scores:q} kept={output.kept:q}"
        " dropped={output.dropped:q} stats={output.stats:q} > {log:q} 2>&1"


rule domains:
    input:
        parts(documents_of("domains")),
