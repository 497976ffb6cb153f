"""How the sets of a configuration hang together."""

from __future__ import annotations

from tamis.sets.checks import excluded_sets, problems
from tamis.stages import annealing, mixtures, validation


def test_sets_must_fit_the_pipeline_and_each_other() -> None:
    fine = {
        "columns": {"domain", "transformer_quality"}, "sources": ["web"], "tokenizer": object(),
        "validation": validation.Config(), "annealing": {"best": annealing.Config()},
        "mixtures": {"llama3": mixtures.Config(weights={"general": 0.8, "code": 0.2}), "pool": mixtures.Config()},
    }  # fmt: skip
    assert problems(**fine) == []
    assert problems(**fine | {"tokenizer": None})[0].startswith("tokenizer: needed by validation, annealing.best")
    assert problems(**fine | {"columns": {"domain"}}) == [
        "annealing.best: needs transformer_quality, which no stage of the pipeline makes"
    ]
    wrong = {"one": mixtures.Config(by="source", weights={"web": 0.5, "books": 0.5}, exclude_annealing=("better",))}
    assert problems(**fine | {"mixtures": wrong}) == [
        "mixtures.one.weights: there is no source 'books'; known: web",
        "mixtures.one.exclude_annealing: there is no set 'better'; known: best",
    ]
    assert problems(**fine | {"mixtures": {"best": mixtures.Config()}}) == [
        "'best' names two sets; exports need a name each"
    ]
    assert problems(**fine | {"exported": ("pool", "llama2")}) == [
        "export.sets: there is no set 'llama2'; known: validation, best, llama3, pool"
    ]
    circle = {name: mixtures.Config(exclude_mixtures=(other,)) for name, other in (("a", "b"), ("b", "a"))}
    assert problems(**fine | {"mixtures": circle})[0].startswith("mixtures/a, mixtures/b: exclude each other")


def test_who_excludes_whom() -> None:
    sets = {
        "annealing": {"one": annealing.Config(), "two": annealing.Config()},
        "mixtures": {"a": mixtures.Config(), "b": mixtures.Config(exclude_annealing=("two",), exclude_mixtures=("a",))},
    }
    assert excluded_sets("annealing", "one", validation=True, **sets) == ["validation"]
    assert excluded_sets("annealing", "two", validation=True, **sets) == ["validation", "annealing/one"]
    assert excluded_sets("mixtures", "a", validation=False, **sets) == ["annealing/one", "annealing/two"]
    assert excluded_sets("mixtures", "b", validation=True, **sets) == ["validation", "annealing/two", "mixtures/a"]
