# What can be asked for by name: every stage, every kind of set, the exports, the report; `all` is in the Snakefile.

# What was read, too: Snakemake takes away what a failing job had made before, and asks for it again only if it is wanted.
TARGETS = {stage: parts(documents_of(stage)) + READ for stage in ("ingest", *STAGES, "tokenizer")}
# What a user receives: summaries, and documents too, so that a lost file is made again.
TARGETS |= {"validation": [], "annealing": [], "mixtures": [], "export": []}
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
FINAL = DELIVERED + TARGETS["report"] + READ
if CFG.minhash_dedup.write_index and "minhash_dedup" in PIPELINE:
    FINAL.append(f"{RESULTS}/minhash_dedup/index/index.json")
if CFG.report.alarms_fatal:
    FINAL.append(f"{RESULTS}/report/checked.json")


for target, files in TARGETS.items():

    rule:
        name:
            target
        input:
            files,
        localrule: True
