# Quality: every classifier, coarse, fine and of one's own; each is a stage of its own.
#
# Input: the documents of the stage before. Output: <results>/<classifier>/{documents,dropped,scores,stats}/part-*, and
#        beside them the model and its card (card.md); of those that see embeddings backbone.json and embeddings/part-*,
#        of those that are fine-tuned fine_tuned/.
# Steps: label (a shard) → train (one job) → score (a shard) → threshold (one job) → apply (a shard); moving a threshold runs
#        the last two. With a judge, before train: sample (a shard) → judge (one job, the only one that asks a network).
#        With an encoder, before train: tune (one job), or backbone (one job) → embed (a shard); changing a label keeps these.
#        An ensemble is taught nothing: count (a shard) → rank (one job) → score (a shard) → threshold → apply.

ASKED = {}
for name, section in TAUGHT.items():
    # What a classifier reads beside documents, labels and model; nothing where it is of another sort.
    maker = section.encodes and (section.embeddings or name)
    embeddings = f"{RESULTS}/{maker}/embeddings/part-{{shard}}.parquet" if maker else []
    tuned = f"{RESULTS}/{name}/fine_tuned.json" if section.tunes else []
    tuned_files = [f"{RESULTS}/{name}/fine_tuned/{file}" for file in FILES] if section.tunes else []
    # Beside memory and time: a GPU for what runs on one.
    gpu = {"gpu": 1} if section.tunes and section.backbone.device == "cuda" else {}
    judge = JUDGES.get(name)
    judged = f"{RESULTS}/{name}/judged.arrow" if judge else []
    LONG |= {f"{name}_score"} if section.tunes else set()
    # What changes answers (rules/judge.smk).
    ASKED[name] = spec(
        name,
        section=judge and judge.for_answers(),
        code="judge",
        kinds=section.applies_to,
        seed=section.sampling.seed,
        characters=section.labelled_characters,
        given=given(str(judge.prompt)) if judge else {},
    )

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
            job("classifier", "label")

    rule:
        name:
            f"{name}_train"
        input:
            ancient([*section.labels.paths(), *section.files()]),
            tuned_files,
            labels=crossing(f"{name}/labels"),
            embeddings=crossing(f"{maker}/embeddings", suffix=".parquet") if maker else [],
            backbone=f"{RESULTS}/{maker}/backbone.json" if maker else [],
            tuned=tuned,
            judged=judged,
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
            mem_mb=lambda wildcards, attempt, need=section.memory_mb: need * attempt + 600,
        params:
            spec=spec(
                name,
                section=section.for_scoring(),
                given=given(*section.labels.paths(), *section.files()),
            ),
        shell:
            job("classifier", "train", writes="model card card_text")

    rule:
        name:
            f"{name}_score"
        input:
            ancient(section.files()),
            tuned_files,
            documents=documents_before(name),
            model=f"{RESULTS}/{name}/model",
            card=f"{RESULTS}/{name}/card.json",
            embeddings=embeddings,
            tuned=tuned,
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
            **gpu,
            mem_mb=lambda wildcards, attempt, need=section.memory_mb: need * attempt + 600,
            runtime=lambda wildcards, attempt, minutes=240 if section.tunes else 60: minutes * attempt,
        params:
            spec=spec(name, section=section.for_scoring(), given=given(*section.files())),
        shell:
            job("classifier", "score", writes="scores")

    rule:
        name:
            f"{name}_sample"
        input:
            documents=documents_before(name),
        output:
            output=f"{RESULTS}/{name}/sample/part-{{shard}}.arrow",
        log:
            f"{LOGS}/{name}/sample-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/sample-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=ASKED[name],
        shell:
            job("judge", "sample")


for name, section in TAUGHT.items():
    # Also those whose embeddings nobody reads, so that what an earlier configuration made is known.
    if section.model not in ("head", "checkpoint"):
        continue
    LONG.add(f"{name}_embed")
    gpu = {"gpu": 1} if section.backbone.device == "cuda" else {}

    rule:
        name:
            f"{name}_tune"
        input:
            ancient([*section.labels.paths(), *section.backbone.local_files()]),
            labels=crossing(f"{name}/labels"),
            judged=f"{RESULTS}/{name}/judged.arrow" if name in JUDGES else [],
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
            **gpu,
            mem_mb=lambda wildcards, attempt, need=section.memory_mb: need * attempt + 600,
            runtime=lambda wildcards, attempt: 1440 * attempt,
        params:
            spec=spec(
                name,
                section=section.for_scoring(),
                given=given(*section.labels.paths(), *section.backbone.local_files()),
            ),
        shell:
            job("classifier", "tune", writes="tuned")

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
        resources:
            **gpu,
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
            **gpu,
            runtime=lambda wildcards, attempt: 240 * attempt,
        params:
            spec=spec(name, section=section.for_embedding(), code="embeddings"),
        shell:
            job("embeddings", "embed", writes="embeddings")


for name, section in CLASSIFIERS.items():
    if section.taught:
        continue

    rule:
        name:
            f"{name}_count"
        input:
            documents=documents_before(name),
        output:
            output=f"{RESULTS}/{name}/counts/part-{{shard}}.arrow",
        log:
            f"{LOGS}/{name}/count-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/count-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section.for_scoring(), code="ensemble"),
        shell:
            job("ensemble", "count")

    rule:
        name:
            f"{name}_rank"
        input:
            barrier=crossing(f"{name}/counts"),
        output:
            output=f"{RESULTS}/{name}/ranks.arrow",
            members=f"{RESULTS}/{name}/members.json",
        log:
            f"{LOGS}/{name}/rank.log",
        benchmark:
            f"{BENCHMARKS}/{name}/rank.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section.for_scoring(), code="ensemble", shards=SHARDS),
        shell:
            job("ensemble", "rank", writes="output members")

    rule:
        name:
            f"{name}_score"
        input:
            documents=documents_before(name),
            ranked=f"{RESULTS}/{name}/ranks.arrow",
            members=f"{RESULTS}/{name}/members.json",
        output:
            scores=f"{RESULTS}/{name}/scores/part-{{shard}}.parquet",
        log:
            f"{LOGS}/{name}/score-{{shard}}.log",
        benchmark:
            f"{BENCHMARKS}/{name}/score-{{shard}}.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section.for_scoring(), code="ensemble", shards=SHARDS),
        shell:
            job("ensemble", "score", writes="scores")


for name, section in CLASSIFIERS.items():

    rule:
        name:
            f"{name}_threshold"
        input:
            barrier=crossing(f"{name}/scores", suffix=".parquet"),
        output:
            output=f"{RESULTS}/{name}/thresholds.json",
            retention=f"{RESULTS}/{name}/retention.json",
            retention_text=f"{RESULTS}/{name}/retention.md",
        log:
            f"{LOGS}/{name}/threshold.log",
        benchmark:
            f"{BENCHMARKS}/{name}/threshold.tsv"
        conda:
            "../envs/cpu.yaml"
        params:
            spec=spec(name, section=section),
        shell:
            job("classifier", "threshold", writes="output retention retention_text")

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
            job("classifier", "apply", writes=OUTCOME)
