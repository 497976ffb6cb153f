"""What the preset `code` says of documentation: manuals stay, stubs and indexes go."""

from __future__ import annotations

import pytest
from well_formed import documents_of

from tamis import config_files
from tamis.heuristics.decisions import decide
from tamis.heuristics.metrics import measure
from tamis.heuristics.rules import RULES
from tamis.presets import FOLDER
from tamis.readers.forms import kind_of
from tamis.stages.heuristics import Config

PRESET = Config.model_validate(config_files.read(FOLDER / "code.yaml")["heuristics"])


def reason(text: str, config: Config = PRESET) -> str | None:
    documents = documents_of([text], kind_of(text))
    rule = decide(documents, measure(documents, config), config).rule[0]
    return None if rule < 0 else RULES[rule].reason


METHOD = """
.. method:: {name}(grains, mesh=0.5, times=3)

    {text}

    Parameters
    ----------
    grains : list
        {given}

    Returns
    -------
    list of the grains that are left

"""
REFERENCE = "Sieves\n======\n\nThe mill has three of them, and each lets other grains through.\n" + "".join(
    METHOD.format(name=name, text=text, given=f"What is to {name}, as it comes from the threshing floor.")
    for name, text in {
        "shake": "The slowest of the three, because every grain is looked at twice before\n    it falls through the mesh."
        "\n\n    Stones stay above, where a boy picks them out between two loads of corn.",
        "turn": "Use it where the harvest was wet and what is left would stick to the\n    walls of the drum."
        "\n\n    A quarter of an hour is enough; longer turning makes the flour grey.",
        "blow": "Chaff is carried away by the wind, which must be neither too strong nor\n    too weak."
        "\n\n    On days without any, bellows do the same for an hour's work of two men.",
    }.items()
)
NOTES = "Sieve 1.8\n=========\n\nThanks to all who have helped.\n\n" + "\n".join(
    f"- Mend what the sieve does where {what}\n  (`#{number} <https://example.org/mill/sieve/pull/{number}>`_)."
    for number, what in enumerate(
        ("grains are wet", "no grain is left", "the mesh is torn", "two sieves are shaken at once", "stones come in"),
        510,
    )
)
STUB = "Sieves\n======\n\n.. automodule:: mill.sieves\n   :members:\n\n.. automodule:: mill.sieves.fine\n   :members:\n"
INDEX = "Functions\n*********\n\n.. autosummary::\n   :toctree: generated/\n\n" + "\n".join(
    f"   sieve_{name}_{number}" for name in ("fine", "coarse", "wind", "water") for number in range(20)
)


@pytest.mark.parametrize("text", [REFERENCE, NOTES], ids=["reference", "notes"])
def test_manuals_and_notes_stay(text: str) -> None:
    assert kind_of(text) == "prose"
    assert reason(text) is None
    # The bounds for pages of the web would drop them.
    assert reason(text, Config()) is not None


@pytest.mark.parametrize("text", [STUB, INDEX], ids=["stub", "index"])
def test_stubs_and_lists_of_names_go(text: str) -> None:
    assert kind_of(text) == "catalogue"
    assert reason(text) is not None
    assert reason(text, Config()) is None


def test_a_list_that_says_something_stays() -> None:
    changes = "\n".join(
        f"* {who} has {what} the {thing}, and it is the better for that."
        for who in ("Anna", "Boris", "Chloe")
        for what in ("mended", "cleaned", "measured")
        for thing in ("coarse sieve", "fine sieve", "wheel")
    )
    assert kind_of(changes) == "catalogue"
    assert reason(changes) is None
