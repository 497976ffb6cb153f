# Scores of quality: coarse (fastText), then fine (a frozen encoder with a small head).
#
# Input: the documents of the stage before. Output: <results>/<stage>/{documents,dropped,scores,stats}/part-*, and beside
# them the classifier, its card (card.md) and, for the encoder, backbone.json and embeddings/part-*.
# Usual steps: label (a shard) → train or head (one job) → score (a shard) → threshold (one job) → apply (a shard);
# moving a threshold runs the last two, changing a label keeps the embeddings, which `domains` reads too.

FASTTEXT = f"{RESULTS}/fasttext_quality"
TRANSFORMER = f"{RESULTS}/transformer_quality"


localrules:
    fasttext_quality,
    transformer_quality,


rule fasttext_quality_label:
    input:
        documents=documents_before("fasttext_quality"),
    output:
        labels=f"{FASTTEXT}/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/fasttext_quality/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("fasttext_quality", section=CFG.fasttext_quality.for_scoring()),
    shell:
        "python -m tamis.job fasttext_quality label --params {params.spec:q}"
        " documents={input.documents:q} output={output.labels:q} > {log:q} 2>&1"


rule fasttext_quality_train:
    input:
        barrier=crossing("fasttext_quality/labels"),
        files=CFG.fasttext_quality.labels.paths(),
    output:
        model=f"{FASTTEXT}/model.bin",
        card=f"{FASTTEXT}/card.json",
        card_text=f"{FASTTEXT}/card.md",
    log:
        f"{LOGS}/fasttext_quality/train.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/train.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=spec("fasttext_quality", section=CFG.fasttext_quality.for_scoring()),
    shell:
        "python -m tamis.job fasttext_quality train --params {params.spec:q}"
        " barrier={input.barrier:q} model={output.model:q} card={output.card:q}"
        " card_text={output.card_text:q} > {log:q} 2>&1"


rule fasttext_quality_score:
    input:
        documents=documents_before("fasttext_quality"),
        model=f"{FASTTEXT}/model.bin",
        card=f"{FASTTEXT}/card.json",
    output:
        scores=f"{FASTTEXT}/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/fasttext_quality/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("fasttext_quality", section=CFG.fasttext_quality.for_scoring()),
    shell:
        "python -m tamis.job fasttext_quality score --params {params.spec:q}"
        " documents={input.documents:q} model={input.model:q} card={input.card:q}"
        " scores={output.scores:q} > {log:q} 2>&1"


rule fasttext_quality_threshold:
    input:
        barrier=crossing("fasttext_quality/scores", suffix=".parquet"),
    output:
        thresholds=f"{FASTTEXT}/thresholds.json",
    log:
        f"{LOGS}/fasttext_quality/threshold.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/threshold.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        spec=spec("fasttext_quality"),
    shell:
        "python -m tamis.job fasttext_quality threshold --params {params.spec:q}"
        " barrier={input.barrier:q} output={output.thresholds:q} > {log:q} 2>&1"


rule fasttext_quality_apply:
    input:
        documents=documents_before("fasttext_quality"),
        scores=f"{FASTTEXT}/scores/part-{{shard}}.parquet",
        thresholds=f"{FASTTEXT}/thresholds.json",
    output:
        kept=f"{FASTTEXT}/documents/part-{{shard}}.parquet",
        dropped=f"{FASTTEXT}/dropped/part-{{shard}}.parquet",
        stats=f"{FASTTEXT}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/fasttext_quality/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/fasttext_quality/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("fasttext_quality"),
    shell:
        "python -m tamis.job fasttext_quality apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} scores={input.scores:q}"
        " thresholds={input.thresholds:q} kept={output.kept:q}"
        " dropped={output.dropped:q} stats={output.stats:q} > {log:q} 2>&1"


rule transformer_quality_backbone:
    input:
        files=CFG.transformer_quality.backbone.local_files(),
    output:
        output=f"{TRANSFORMER}/backbone.json",
    log:
        f"{LOGS}/transformer_quality/backbone.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/backbone.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        spec=spec(
            "transformer_quality", section=CFG.transformer_quality.for_embedding()
        ),
    shell:
        "python -m tamis.job transformer_quality backbone --params {params.spec:q}"
        " output={output.output:q} > {log:q} 2>&1"


rule transformer_quality_label:
    input:
        documents=documents_before("transformer_quality"),
    output:
        labels=f"{TRANSFORMER}/labels/part-{{shard}}.arrow",
    log:
        f"{LOGS}/transformer_quality/label-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/label-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_scoring()),
    shell:
        "python -m tamis.job transformer_quality label --params {params.spec:q}"
        " documents={input.documents:q} output={output.labels:q} > {log:q} 2>&1"


rule transformer_quality_embed:
    input:
        documents=documents_before("transformer_quality"),
        backbone=f"{TRANSFORMER}/backbone.json",
    output:
        embeddings=f"{TRANSFORMER}/embeddings/part-{{shard}}.parquet",
    log:
        f"{LOGS}/transformer_quality/embed-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/embed-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: CFG.transformer_quality.backbone.threads
    resources:
        mem_mb=3000,
        runtime=240,
    params:
        spec=spec(
            "transformer_quality", section=CFG.transformer_quality.for_embedding()
        ),
    shell:
        "python -m tamis.job transformer_quality embed --params {params.spec:q}"
        " documents={input.documents:q} backbone={input.backbone:q}"
        " embeddings={output.embeddings:q} > {log:q} 2>&1"


rule transformer_quality_head:
    input:
        labels=crossing("transformer_quality/labels"),
        embeddings=crossing("transformer_quality/embeddings", suffix=".parquet"),
        backbone=f"{TRANSFORMER}/backbone.json",
        files=CFG.transformer_quality.labels.paths(),
    output:
        head=f"{TRANSFORMER}/head.json",
        card=f"{TRANSFORMER}/card.json",
        card_text=f"{TRANSFORMER}/card.md",
    log:
        f"{LOGS}/transformer_quality/head.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/head.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_scoring()),
    shell:
        "python -m tamis.job transformer_quality head --params {params.spec:q}"
        " labels={input.labels:q} embeddings={input.embeddings:q}"
        " backbone={input.backbone:q} head={output.head:q} card={output.card:q}"
        " card_text={output.card_text:q} > {log:q} 2>&1"


rule transformer_quality_score:
    input:
        documents=documents_before("transformer_quality"),
        embeddings=f"{TRANSFORMER}/embeddings/part-{{shard}}.parquet",
        head=f"{TRANSFORMER}/head.json",
    output:
        scores=f"{TRANSFORMER}/scores/part-{{shard}}.parquet",
    log:
        f"{LOGS}/transformer_quality/score-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/score-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("transformer_quality", section=CFG.transformer_quality.for_scoring()),
    shell:
        "python -m tamis.job transformer_quality score --params {params.spec:q}"
        " documents={input.documents:q} embeddings={input.embeddings:q}"
        " head={input.head:q} scores={output.scores:q} > {log:q} 2>&1"


rule transformer_quality_threshold:
    input:
        barrier=crossing("transformer_quality/scores", suffix=".parquet"),
    output:
        thresholds=f"{TRANSFORMER}/thresholds.json",
    log:
        f"{LOGS}/transformer_quality/threshold.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/threshold.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        spec=spec("transformer_quality"),
    shell:
        "python -m tamis.job transformer_quality threshold --params {params.spec:q}"
        " barrier={input.barrier:q} output={output.thresholds:q} > {log:q} 2>&1"


rule transformer_quality_apply:
    input:
        documents=documents_before("transformer_quality"),
        scores=f"{TRANSFORMER}/scores/part-{{shard}}.parquet",
        thresholds=f"{TRANSFORMER}/thresholds.json",
    output:
        kept=f"{TRANSFORMER}/documents/part-{{shard}}.parquet",
        dropped=f"{TRANSFORMER}/dropped/part-{{shard}}.parquet",
        stats=f"{TRANSFORMER}/stats/part-{{shard}}.json",
    log:
        f"{LOGS}/transformer_quality/apply-{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/transformer_quality/apply-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        spec=spec("transformer_quality"),
    shell:
        "python -m tamis.job transformer_quality apply --params {params.spec:q} shard={wildcards.shard}"
        " documents={input.documents:q} scores={input.scores:q}"
        " thresholds={input.thresholds:q} kept={output.kept:q}"
        " dropped={output.dropped:q} stats={output.stats:q} > {log:q} 2>&1"


rule fasttext_quality:
    input:
        parts(documents_of("fasttext_quality")),


rule transformer_quality:
    input:
        parts(documents_of("transformer_quality")),
