# Quality: every classifier, coarse, fine and of one's own; each is a stage of its own.
#
# Input: the documents of the stage before. Output: <results>/<classifier>/{documents,dropped,scores,stats}/part-*, and
#        beside them the model and its card (card.md); of those that see embeddings backbone.json and embeddings/part-*.
# Steps: label (a shard) → train (one job; before it tune, where an encoder is fine-tuned) → score (a shard) → threshold (one job) → apply (a shard); moving a threshold runs
#        the last two. For embeddings: backbone (one job) → embed (a shard); changing a label keeps them.


def embeddings_of(name):
    """The folder and the encoder of the embeddings that a classifier reads; nothing where it reads none."""
    if not CLASSIFIERS[name].encodes:
        return {"every": [], "shard": [], "backbone": []}
    maker = CLASSIFIERS[name].embeddings or name
    return {
        "every": crossing(f"{maker}/embeddings", suffix=".parquet"),
        "shard": f"{RESULTS}/{maker}/embeddings/part-{{shard}}.parquet",
        "backbone": f"{RESULTS}/{maker}/backbone.json",
    }


def tuned_by(name):
    """What a fine-tuning has made for a classifier, and what was said of it; nothing where there is none."""
    tuned = f"{RESULTS}/{name}/fine_tuned"
    wanted = CLASSIFIERS[name].tunes
    return {"files": [f"{tuned}/{file}" for file in FILES] if wanted else [], "told": f"{tuned}.json" if wanted else []}


def minutes(number):
    """The time that a job needs, as a resource: more in each attempt."""
    return lambda wildcards, attempt: number * attempt


def memory(number):
    """The memory that a job needs, as a resource, as `profiles/slurm` gives it: more in each attempt."""
    return lambda wildcards, attempt: number * attempt + 350


for name, section in CLASSIFIERS.items():
    seen, tuned = embeddings_of(name), tuned_by(name)

    rule:
        name:
            f"{name}_label"
        input:
            documents=documents_before(name),
        output:
            output=f"{RESULTS}/{name}/labels/part-{{shard}}.arrow",
        log:
            f"{LOGS}/{name}/label-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/label-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section.for_scoring()),
        shell:
            job(name, "label")

    rule:
        name:
            f"{name}_train"
        input:
            ancient([*section.labels.paths(), *section.files()]),
            tuned["files"],
            labels=crossing(f"{name}/labels"),
            embeddings=seen["every"],
            backbone=seen["backbone"],
            tuned=tuned["told"],
        output:
            model=f"{RESULTS}/{name}/model",
            card=f"{RESULTS}/{name}/card.json",
            card_text=f"{RESULTS}/{name}/card.md",
        log:
            f"{LOGS}/{name}/train.log",
        benchmark:
            f"{BENCHMARKS}/{name}/train.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: section.threads
        resources:
            mem_mb=memory(section.memory_mb),
        params:
            spec=spec(
                name,
                section=section.for_scoring(),
                given=given(*section.labels.paths(), *section.files()),
            ),
        shell:
            job(name, "train", writes="model card card_text")

    rule:
        name:
            f"{name}_score"
        input:
            ancient(section.files()),
            tuned["files"],
            documents=documents_before(name),
            model=f"{RESULTS}/{name}/model",
            card=f"{RESULTS}/{name}/card.json",
            embeddings=seen["shard"],
            tuned=tuned["told"],
        output:
            scores=f"{RESULTS}/{name}/scores/part-{{shard}}.parquet",
        log:
            f"{LOGS}/{name}/score-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/score-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: section.threads
        resources:
            mem_mb=memory(section.memory_mb),
            runtime=minutes(240 if section.tunes else 60),
        params:
            spec=spec(name, section=section.for_scoring(), given=given(*section.files())),
        shell:
            job(name, "score", writes="scores")

    rule:
        name:
            f"{name}_threshold"
        input:
            barrier=crossing(f"{name}/scores", suffix=".parquet"),
        output:
            output=f"{RESULTS}/{name}/thresholds.json",
        log:
            f"{LOGS}/{name}/threshold.log",
        benchmark:
            f"{BENCHMARKS}/{name}/threshold.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section),
        shell:
            job(name, "threshold")

    rule:
        name:
            f"{name}_apply"
        input:
            documents=documents_before(name),
            scores=f"{RESULTS}/{name}/scores/part-{{shard}}.parquet",
            thresholds=f"{RESULTS}/{name}/thresholds.json",
        output:
            **outcome(name),
        log:
            f"{LOGS}/{name}/apply-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/apply-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section),
        shell:
            job(name, "apply", writes=OUTCOME)


for name, section in CLASSIFIERS.items():
    # Also those whose embeddings nobody reads, so that what an earlier configuration made is known.
    if section.model not in ("head", "checkpoint"):
        continue

    rule:
        name:
            f"{name}_tune"
        input:
            ancient([*section.labels.paths(), *section.backbone.local_files()]),
            labels=crossing(f"{name}/labels"),
        output:
            [f"{RESULTS}/{name}/fine_tuned/{file}" for file in FILES],
            tuned=f"{RESULTS}/{name}/fine_tuned.json",
        log:
            f"{LOGS}/{name}/tune.log",
        benchmark:
            f"{BENCHMARKS}/{name}/tune.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: section.backbone.threads
        resources:
            mem_mb=memory(section.memory_mb),
            runtime=minutes(1440),
        params:
            spec=spec(
                name,
                section=section.for_scoring(),
                given=given(*section.labels.paths(), *section.backbone.local_files()),
            ),
        shell:
            job(name, "tune", writes="tuned")

    rule:
        name:
            f"{name}_backbone"
        input:
            ancient(section.backbone.local_files()),
        output:
            output=f"{RESULTS}/{name}/backbone.json",
        log:
            f"{LOGS}/{name}/backbone.log",
        benchmark:
            f"{BENCHMARKS}/{name}/backbone.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(
                name,
                section=section.for_embedding(),
                code="embeddings",
                given=given(*section.backbone.local_files()),
            ),
        shell:
            job("embeddings", "backbone")

    rule:
        name:
            f"{name}_embed"
        input:
            documents=documents_before(name),
            backbone=f"{RESULTS}/{name}/backbone.json",
        output:
            embeddings=f"{RESULTS}/{name}/embeddings/part-{{shard}}.parquet",
        log:
            f"{LOGS}/{name}/embed-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/embed-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        threads: section.backbone.threads
        resources:
            runtime=minutes(240),
        params:
            spec=spec(name, section=section.for_embedding(), code="embeddings"),
        shell:
            job("embeddings", "embed", writes="embeddings")
