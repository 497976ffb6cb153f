# The files of what can be asked for by name: every stage, every kind of set, the exports, the report, and `all`.
# The Snakefile has the rules.

TARGETS = {stage: parts(documents_of(stage)) for stage in ("ingest", *STAGES, *CFG.named_classifiers, "tokenizer")}
# Those of a stage and of all before it that hand files on.
for position, stage in enumerate(PIPELINE):
    TARGETS[stage] = TARGETS[stage] + spent(["ingest", *PIPELINE[: position + 1]])
TARGETS["ingest"] = TARGETS["ingest"] + spent(["ingest"])
TARGETS["tokenizer"] = TARGETS["tokenizer"] + spent(["ingest", *PIPELINE])
# What a user receives: summaries, and documents too, so that a lost file is made again.
TARGETS |= {name: spent(["ingest", *PIPELINE]) for name in ("validation", "annealing", "mixtures", "export")}
for chosen in SETS.values():
    folder = f"{RESULTS}/{chosen.folder}"
    TARGETS[chosen.stage] += [f"{folder}/summary.json"]
    TARGETS[chosen.stage] += parts(f"{folder}/documents/part-{{file}}.parquet", chosen.section.files)
for chosen in EXPORTS.values():
    folder = f"{RESULTS}/export/{chosen.name}"
    TARGETS["export"] += [f"{folder}/export.json"]
    for files in EXPORT_FILES.values():
        TARGETS["export"] += parts(f"{folder}/{files}", chosen.export_files)
TARGETS["report"] = [f"{RESULTS}/tamis.duckdb", f"{RESULTS}/report/index.html"]
FINAL = DELIVERED + TARGETS["report"] + [f"{RESULTS}/layout.json"] + spent(["ingest", *PIPELINE])
# Read by other runs.
for stage in GROWING:
    if getattr(CFG, stage).write_index and stage in PIPELINE:
        FINAL.append(f"{RESULTS}/{stage}/index/index.json")
        for what in getattr(CFG, stage).FILES:
            FINAL += parts(f"{RESULTS}/{stage}/index/{what}-{{shard}}.arrow")
if "toxicity" in PIPELINE:
    FINAL += [f"{RESULTS}/toxicity/{name}.parquet" for name in ("retention", "entries")]
if "decontamination" in PIPELINE:
    FINAL.append(f"{RESULTS}/decontamination/contamination.json")
if CFG.report.alarms_fatal:
    FINAL.append(f"{RESULTS}/report/checked.json")
