# Shared by all files of this folder: the checked configuration, path patterns and the canonical params of a job.

from snakemake.exceptions import WorkflowError

from tamis.config import load
from tamis.errors import TamisError
from tamis.job import find_module
from tamis.section import canonical
from tamis.stages.ingest import units

try:
    CFG = load(config)
    UNITS = units(CFG.sources, CFG.ingest)
except TamisError as error:
    raise WorkflowError(str(error)) from None

RESULTS = CFG.output_dir.rstrip("/")
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
SHARDS = CFG.shards
PARTITIONS = CFG.partition_count
PIPELINE = list(CFG.pipeline)


wildcard_constraints:
    shard=r"\d{5}",
    partition=r"\d{5}",
    unit=r"\d{5}",


def parts(pattern, count=SHARDS):
    """The paths of all shards: {shard} in the pattern is filled in."""
    return [pattern.replace("{shard}", f"{index:05d}") for index in range(count)]


# Folder → number and suffix of the files that must all be there before a job may read any of them.
CROSSINGS = {}


def crossing(folder, count=SHARDS, suffix=".arrow"):
    """Announce that jobs read all files of a folder of the results; return the barrier that they wait for."""
    if CROSSINGS.setdefault(folder, (count, suffix)) != (count, suffix):
        raise WorkflowError(
            f"{folder}: announced with {CROSSINGS[folder]} and with {(count, suffix)}"
        )
    return f"{RESULTS}/{folder}/barrier.json"


def crossing_files(wildcards):
    """The files that a barrier holds."""
    count, suffix = CROSSINGS[wildcards.folder]
    return parts(f"{RESULTS}/{wildcards.folder}/part-{{shard}}{suffix}", count)


def crossing_arguments(wildcards):
    """The same files as the barrier's command takes them: folder, number, suffix."""
    count, suffix = CROSSINGS[wildcards.folder]
    return [f"{RESULTS}/{wildcards.folder}", str(count), suffix]


def documents_of(stage):
    """The documents of a stage, with the wildcard {shard}."""
    return f"{RESULTS}/{stage}/documents/part-{{shard}}.parquet"


def stage_before(stage):
    """The stage whose documents a stage reads."""
    if stage not in PIPELINE:
        # Its rules exist, but nothing can make their input; the path says why.
        return f"{stage}_is_not_in_the_pipeline"
    position = PIPELINE.index(stage)
    return PIPELINE[position - 1] if position else "ingest"


def documents_before(stage):
    """The documents that a stage reads, with the wildcard {shard}."""
    return documents_of(stage_before(stage))


def spec(stage, section=None, **more):
    """The one params entry of a job; what triggers a rerun is exactly what the job uses."""
    section = getattr(CFG, stage) if section is None else section
    return canonical(
        {
            "stage": stage,
            "version": find_module(stage).VERSION,
            "config": section.model_dump(mode="json"),
            **more,
        }
    )


def spec_named(stage, name, **more):
    """Like `spec`, for a section that holds named entries (mixtures, annealing)."""
    return spec(stage, section=getattr(CFG, stage)[name], name=name, **more)


POOL_STAGE = PIPELINE[-1] if PIPELINE else "ingest"
POOL_DOCUMENTS = documents_of(POOL_STAGE)


def unit_spec(wildcards):
    """The params of the job that reads one unit of input files."""
    unit = UNITS[int(wildcards.unit)]
    return spec(
        "ingest",
        shards=SHARDS,
        source=unit.source.model_dump(mode="json"),
        priority=unit.priority,
        files=[str(path) for path in unit.files],
    )
