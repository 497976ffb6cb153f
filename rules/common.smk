# Shared by all files of this folder, and the only one with functions: the checked configuration, the paths of files, and
# what a job is told, by its params and by its command.

from pathlib import Path

from functools import cache

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from tamis import config_files, sharding
from tamis.barrier import FEW, NAME
from tamis.checksums import canonical
from tamis.classifiers.finetune import FILES
from tamis.classifiers.kinds import by_default
from tamis.config import all_problems, check_files, load
from tamis.ending import Workflow
from tamis.errors import TamisError
from tamis.file_states import KnownHashes, contents
from tamis.job import command, find_module
from tamis.pipeline import BUILT_IN, CLASSIFIER, GROWING, STAGES
from tamis.provenance import READS, TEXT_OF, identity
from tamis.sets.configured import configured_sets
from tamis.sets.plan import choices_of
from tamis.readers.units import fetchers, remember
from tamis.report.layout import known_classifiers
from tamis.stages.ingest import units

try:
    config_files.check(workflow.configfiles)
    CFG = load(config)
    ENDING = Workflow(CFG.output_dir, CFG.report.model_dump(mode="json"))
    UNITS = units(CFG.sources, CFG.ingest, Path(CFG.output_dir))
    CHOSEN = sharding.choose(CFG.shards, UNITS, Path(CFG.output_dir))
    CFG = CFG.of_shards(CHOSEN.shards)
    if workflow.is_main_process:
        check_files(CFG)
    EARLIER_DOCUMENTS = CFG.minhash_dedup.earlier()
    EARLIER_PAGES = CFG.url_dedup.earlier()
    EARLIER_PARAGRAPHS = [path for index in CFG.paragraph_dedup.earlier() for path in index.files()]
    EARLIER_LINES = [path for index in CFG.line_pruning.earlier() for path in index.files()]
except TamisError as error:
    raise WorkflowError(all_problems(config, error)) from None

if CHOSEN.why and workflow.is_main_process:
    logger.info(CHOSEN.why)

RESULTS = CFG.output_dir.rstrip("/")
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
SAMPLING = f"{RESULTS}/sampling"
SHARDS = CFG.shards
PARTITIONS = CFG.partition_count
PIPELINE = list(CFG.stages)
# Classifiers that have no section of their own, with their kind; what left the configuration is known by those of earlier runs.
NAMED = known_classifiers(Path(CFG.output_dir)) | CFG.named_classifiers
CLASSIFIERS = {name: CFG.section(name) for name in BUILT_IN}
CLASSIFIERS |= {
    name: CFG.section(name) if name in CFG.named_classifiers else by_default(model)
    for name, model in sorted(NAMED.items())
}
# The rules whose jobs take long: on a cluster each goes alone, all others with their neighbours (rules/groups.smk).
LONG = {"ingest_map", "tokenizer_count"}
# The judges of labels; of them jobs are told beside their params what changes no answer.
JUDGES = {
    name: section.labels.judge for name, section in CLASSIFIERS.items() if section.taught and section.labels.judge
}
JUDGES |= {"domains": CFG.domains.labels.judge} if CFG.domains.labels.judge else {}
JUDGE_WAYS = {name: canonical(judge.ways()) for name, judge in JUDGES.items()}
CLASSIFIERS = {name: section.for_jobs() for name, section in CLASSIFIERS.items()}
TAUGHT = {name: section for name, section in CLASSIFIERS.items() if section.taught}
POOL = PIPELINE[-1] if PIPELINE else "ingest"
# Sets by folder ("validation", "annealing/<name>"), those that are exported by name, the files of an export by format.
SETS = configured_sets(CFG)
EXPORTS = {chosen.name: chosen for chosen in SETS.values() if chosen.exported}
EXPORT_FILES = CFG.export.files()


wildcard_constraints:
    unit=r"\d{5}",
    shard=r"\d{5}",
    partition=r"\d{5}",
    file=r"\d{5}",
    subset="|".join(SETS) or "no_set",
    export="|".join(EXPORTS) or "no_export",
    release=r"[A-Za-z0-9.!+_-]+\.sdist",


def parts(pattern, count=SHARDS):
    """The paths of all shards, partitions or files: the number is filled in; other wildcards stay."""
    return [
        pattern.replace("{shard}", number).replace("{partition}", number).replace("{file}", number)
        for number in (f"{index:05d}" for index in range(count))
    ]


def documents_of(stage):
    """The documents of a stage, with the wildcard {shard}."""
    return f"{RESULTS}/{stage}/documents/part-{{shard}}.parquet"


def documents_before(stage):
    """The documents that a stage reads: those of the stage before it in the pipeline."""
    if stage not in PIPELINE:
        # Its rules exist, but nothing can make their input; the path says why.
        return documents_of(f"{stage}_is_not_in_the_pipeline")
    return documents_of(["ingest", *PIPELINE][PIPELINE.index(stage)])


OUTCOME = "kept dropped stats"


def outcome(stage, *more):
    """What every stage leaves of a shard, by the names that its last step gives them; `more` is edits or nothing."""
    found = {
        "kept": documents_of(stage),
        "dropped": f"{RESULTS}/{stage}/dropped/part-{{shard}}.parquet",
        "stats": f"{RESULTS}/{stage}/stats/part-{{shard}}.json",
    }
    return found | {name: f"{RESULTS}/{stage}/{name}/part-{{shard}}.parquet" for name in more}


def files_of_set(pattern):
    """An input function: the paths of all files of the set {subset}."""
    return lambda wildcards: parts(pattern, SETS[wildcards.subset].section.files)


def files_of_export(pattern):
    """An input function: the paths of all files of the export {export}."""
    return lambda wildcards: parts(pattern, EXPORTS[wildcards.export].export_files)


def choices_before(wildcards):
    """The choices of the sets that the set {subset} must share no document with, and what is kept apart from them."""
    return [str(path) for path in choices_of(SETS[wildcards.subset].excluded, Path(f"{SAMPLING}/a/set/choice.arrow"))]


def section_of(stage):
    """The section of a stage, if it has one."""
    return CLASSIFIERS[stage] if stage in CLASSIFIERS else getattr(CFG, stage, None)


def module_of(stage):
    """The module of a stage: classifiers have one."""
    return CLASSIFIER if stage in CLASSIFIERS else stage


def params_of(stage, section, code=None, **values):
    """Module, version, section and more, as JSON values; the name, where a module has several stages."""
    section = section and section.model_dump(mode="json")
    values |= {"name": stage} if stage in CLASSIFIERS else {}
    code = code or module_of(stage)
    return {"stage": code, "version": find_module(code).VERSION, "config": section, **values}


@cache
def documents_identity(stage):
    """What the documents of a stage say of who made them."""
    return identity(params_of(stage, section_of(stage).for_documents()))


def reads_of(stage, wildcards):
    """The identity of each folder of tables that the jobs of a stage read; that of the texts, too."""
    if stage == "order":
        chosen = EXPORTS[wildcards.export]
        values = chosen.layout_params()
        made = identity(params_of("subset", values.pop("config"), **values))
        return {f"{chosen.folder}/documents": made}
    if stage in PIPELINE:
        before = ["ingest", *PIPELINE][PIPELINE.index(stage)]
    else:
        before = {"tokenizer": POOL, "validation": "tokenizer", "subset": "tokenizer"}.get(stage)
    made = {before, CFG.text_of(before)} if before else ()
    return {f"{name}/documents": documents_identity(name) for name in made}


GIVEN = KnownHashes(Path(CFG.output_dir))


@cache
def given(*paths):
    """What files hold that the configuration names, as a value of `spec`: their content decides, not their time.

    Inputs of that kind are `ancient`.
    """
    return contents(paths, GIVEN)


def spec(stage, section=None, each=None, code=None, **more):
    """The one params entry of a job: all that it uses and that triggers a rerun.

    The section is that of the configuration, if it has one, where none is given; `each` is a function that takes the
    wildcards and returns what is a job's own; `code` is the module where it is not the stage's.
    """

    # A function, because Snakemake would look for wildcards in the braces of a text.
    def text(wildcards):
        values = {"config": section or section_of(stage), **more}
        values |= each(wildcards) if each else {}
        values = params_of(stage, values.pop("config"), code, **values)
        holder = CFG.text_of(stage)
        values |= {} if holder == stage else {TEXT_OF: holder}
        return canonical(values | {READS: reads_of(stage, wildcards)})

    if each or stage == "order":
        return text
    # The same for all jobs of the rule: Snakemake asks for it four times a job.
    once = cache(lambda: text(None))
    return lambda wildcards: once()


def export_params(wildcards):
    """What is a job's own that exports the set {export}."""
    return EXPORTS[wildcards.export].export_params()


def format_spec(wildcards):
    """The params of a job that writes the format {format}."""
    section = CFG.export.formats.chosen()[wildcards.format]
    return spec(wildcards.format, section, each=export_params)(wildcards)


def job(stage, step, writes="output", wildcard=None, beside=None):
    """The command of a job, from the parameters of `run_<step>`; `writes` names those that are outputs of the rule.

    With a wildcard the stage stands for all that it may name: they have the same step. `beside` holds the fields of what
    a job is told that is no part of its params.
    """
    try:
        text = command(module_of(stage), step, writes.split(), beside)
    except TamisError as error:
        raise WorkflowError(str(error)) from None
    return f"{text.replace(stage, f'{{wildcards.{wildcard}}}', 1) if wildcard else text} > {{log:q}} 2>&1"


# Folder → arguments of its barrier's command: path, number and suffix of files that are read only when all are there.
CROSSINGS = {}


def crossing(folder, count=SHARDS, suffix=".arrow"):
    """Announce that jobs read all files of a folder of the results; return what they wait for."""
    arguments = [f"{RESULTS}/{folder}", str(count), suffix]
    if CROSSINGS.setdefault(folder, arguments) != arguments:
        raise WorkflowError(f"{folder}: announced with {CROSSINGS[folder]} and with {arguments}")
    return awaited(folder)


def awaited(folder):
    """What jobs wait for that read all files of an announced folder: each of them where they are few, or a barrier."""
    path, count, _ = CROSSINGS[folder]
    return crossed(folder) if int(count) <= FEW else f"{path}/{NAME}"


def crossed(folder):
    """All files of an announced folder."""
    path, count, suffix = CROSSINGS[folder]
    return parts(f"{path}/part-{{shard}}{suffix}", int(count))


# Stage → the files by which its jobs hand rows to each other, with the wildcards of their number.
EXCHANGED = {}


def handed_on(path, made=True):
    """An output that only other jobs of its stage read; without `keep_exchange` it goes once the stage is whole.

    `made` says whether this configuration makes it at all.
    """
    if not made:
        return path
    EXCHANGED.setdefault(path.removeprefix(f"{RESULTS}/").partition("/")[0], []).append(path)
    return path if CFG.keep_exchange else temp(path)


def exchanged(stage):
    """Each pattern of the exchange files of a stage, with its files."""
    units = [f"{index:05d}" for index in range(len(UNITS))]
    for pattern in EXCHANGED[stage]:
        if "{unit}" in pattern:
            yield pattern, [pattern.replace("{unit}", number) for number in units]
        else:
            numbered = PARTITIONS if "{partition}" in pattern else SHARDS
            yield pattern, parts(pattern, numbered if "{" in pattern else 1)


def spent(stages):
    """What a target waits for beside the files of its stages, so that exchange files go."""
    return [] if CFG.keep_exchange else [f"{RESULTS}/{stage}/spent.json" for stage in stages if stage in EXCHANGED]
