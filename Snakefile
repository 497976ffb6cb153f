# tamis: raw crawls, code and papers into training tokens. A table of contents; the work is in tamis/stages/.

# A config file that names both its sources and its pipeline stands alone; any other is laid over config.yaml.
if not {"sources", "pipeline"} <= config.keys():

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/fetch.smk"
include: "rules/ingest.smk"
# The stages of `pipeline`, in any order: each asks the configuration what comes before it.
include: "rules/remove.smk"
include: "rules/url_filter.smk"
include: "rules/url_dedup.smk"
include: "rules/text_repair.smk"
include: "rules/paragraph_dedup.smk"
include: "rules/minhash_dedup.smk"
include: "rules/line_pruning.smk"
include: "rules/substring_dedup.smk"
include: "rules/language_id.smk"
include: "rules/heuristics.smk"
include: "rules/classifiers.smk"
include: "rules/extracts.smk"
include: "rules/domains.smk"
include: "rules/privacy.smk"
include: "rules/toxicity.smk"
include: "rules/decontamination.smk"
include: "rules/judge.smk"
include: "rules/filter.smk"
# From the curated pool to what a trainer reads.
include: "rules/tokenizer.smk"
include: "rules/sets.smk"
include: "rules/export.smk"
include: "rules/report.smk"
# What jobs wait for that read from all shards, partitions or files; and what can be asked for by name.
include: "rules/barrier.smk"
include: "rules/spent.smk"
include: "rules/texts.smk"
include: "rules/targets.smk"
# What the folders must not hold any more; after all that says what is made.
include: "rules/sweep.smk"
include: "rules/groups.smk"


for target in TARGETS:

    rule:
        name:
            target
        input:
            WANTED.asked(target),
        localrule: True


rule all:
    default_target: True
    input:
        WANTED.asked("all"),
    localrule: True


onstart:
    # A limit of job starts within no time is none, but its timer would look for a job to start again and again while all
    # cores are taken, which takes a core for itself.
    if workflow.scheduler.job_rate_limiter and not workflow.scheduler.job_rate_limiter.timespan:
        workflow.scheduler.job_rate_limiter = None
    remember(UNITS, Path(RESULTS))
    sharding.remember(SHARDS, Path(RESULTS))
    ENDING.start()


onsuccess:
    ENDING.success()


onerror:
    ENDING.error()
