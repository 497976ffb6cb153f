# What the files of mixtures, annealing sets, the validation split and their exports are called. No jobs here.

from tamis.sets.checks import excluded_sets
from tamis.stages import subset

SAMPLING = f"{RESULTS}/sampling"
ANNEALING = CFG.annealing or {}
MIXTURES = CFG.mixtures or {}

# Every set by its folder: "validation", "annealing/<name>", "mixtures/<name>".
SUBSETS = {"validation": CFG.validation} if CFG.validation else {}
SUBSETS |= {f"annealing/{name}": section for name, section in ANNEALING.items()}
SUBSETS |= {f"mixtures/{name}": section for name, section in MIXTURES.items()}


wildcard_constraints:
    annealing="|".join(ANNEALING) or "no_annealing_set",
    mixture="|".join(MIXTURES) or "no_mixture",
    subset="|".join(SUBSETS) or "no_set",
    file=r"\d{5}",


def excluded(stage, name):
    """The sets whose documents an annealing set or mixture may not take."""
    return excluded_sets(
        stage,
        name,
        validation=CFG.validation is not None,
        annealing=ANNEALING,
        mixtures=MIXTURES,
    )


def excluded_choices(stage, name):
    """Their choice files."""
    return [f"{SAMPLING}/{other}/choice.arrow" for other in excluded(stage, name)]


def subset_files(name, pattern):
    """The paths of all files of a set: {file} in the pattern is filled in."""
    return [
        pattern.replace("{file}", f"{index:05d}")
        for index in range(SUBSETS[name].files)
    ]


def subset_outputs(stage):
    """What a user receives of the sets of a stage: summaries, and documents, so that a lost file is made again."""
    names = [name for name in SUBSETS if name.split("/")[0] == stage]
    return [f"{RESULTS}/{name}/summary.json" for name in names] + [
        path
        for name in names
        for path in subset_files(
            name, f"{RESULTS}/{name}/documents/part-{{file}}.parquet"
        )
    ]


def subset_spec(name, **more):
    """Params of the jobs that lay out a set: they depend on its number of files only."""
    return spec(
        "subset",
        section=subset.Config(files=SUBSETS[name].files),
        name=name,
        **more,
    )


def export_shards(name):
    """Output files of an export."""
    return CFG.export.shards or SUBSETS[EXPORTS[name]].files


def export_spec(name):
    """Params of the jobs of one export."""
    return spec(
        "parquet",
        section=CFG.export,
        name=EXPORTS[name],
        shards=export_shards(name),
    )


# Exports by name, with the folder of their set: names of sets are unique over all kinds.
EXPORTS = {
    folder.rpartition("/")[2]: folder
    for folder in SUBSETS
    if CFG.export.sets is None or folder.rpartition("/")[2] in CFG.export.sets
}


wildcard_constraints:
    export="|".join(EXPORTS) or "no_export",
