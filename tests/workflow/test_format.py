"""The workflow files themselves."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import textwrap

import pytest
import yaml
from running import ROOT, changed, environment, run_workflow

from tamis import job

pytestmark = pytest.mark.workflow

WORDS = r"\b(the|and)\b"
SELECTED = {
    name: [{"kinds": ["prose"], "density": [{"pattern": WORDS, "at_least": least}]}]
    for least, name in enumerate(("math", "code", "reasoning", "general"), start=1)
}


def test_snakemake_finds_nothing_to_complain_about(make_folder, config):
    output = run_workflow(make_folder("lint"), config, "--lint")
    assert "Congratulations" in output


def test_the_files_are_formatted():
    done = subprocess.run(
        [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "rules"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules():
    """File, name and directives (name → lines, without their indent) of every rule with an action."""
    for path in sorted((ROOT / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        for indent, name, body in re.findall(r"^( *)rule (\w*):\n((?:(?:\1    .*)?\n)+)", text, re.MULTILINE):
            parts = re.split(rf"^{indent}    (\w+):", body, flags=re.MULTILINE)
            directives = dict(zip(parts[1::2], (textwrap.dedent(part).strip() for part in parts[2::2]), strict=True))
            assert not directives.keys() & {"run", "script", "notebook", "wrapper"}, f"{path.name}: rule {name}"
            if "shell" in directives:
                yield path.name, name, directives


def test_every_rule_with_an_action_has_what_the_contract_asks():
    found = list(rules())
    assert len(found) > 50
    for file, name, directives in found:
        for part in ("output", "log", "benchmark", "conda", "params"):
            assert part in directives, f"{file}: rule {name} lacks {part}"
        entries = re.findall(r"^(\w+)=", directives["params"], re.MULTILINE)
        assert entries == ["spec"], f"{file}: rule {name} has {entries}; Snakemake compares them as a set"


def test_a_rule_names_what_it_needs_only_where_that_differs():
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "profile.yaml").read_text(encoding="utf-8"))
    defaults = profile["default-resources"]
    assert {"mem_mb", "runtime"} <= defaults.keys()
    for file, name, directives in rules():
        assert directives.get("threads") != "1", f"{file}: rule {name}"
        for key, value in re.findall(r"(\w+)=(.+),", directives.get("resources", "")):
            assert value != str(defaults[key]), f"{file}: rule {name} repeats {key}"


def test_only_one_file_has_functions():
    for path in [ROOT / "Snakefile", *(ROOT / "rules").glob("*.smk")]:
        functions = re.findall(r"^\s*def (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert path.name == "common.smk" or not functions, f"{path.name}: {functions}"


def test_the_files_of_a_rule_have_the_names_that_its_step_gives_them():
    """A file without a name is waited for, and no more."""
    outcome = {"kept", "dropped", "stats"}
    seen = 0
    for file, rule, directives in rules():
        call = re.search(
            r"job\(\s*\"(\w+)\", \"(\w+)\"(?:, writes=f?\"([^\"]*)\"|, writes=(OUTCOME))?",
            directives["shell"],
        )
        if call is None:
            assert rule in ("barrier", "fetch_release", "spent", "sweep"), (
                f"{file}: rule {rule} has a command of its own"
            )
            continue
        seen += 1
        writes = (
            (call[3] or call[4] or "output").replace("{", "").replace("}", "").replace("OUTCOME", " ".join(outcome))
        )
        beside = dict.fromkeys(re.findall(r"beside={\"(\w+)\"", directives["shell"]), "-")
        fields = job.command(call[1], call[2], writes.split(), beside)
        for side in ("input", "output"):
            text = directives.get(side, "")
            names = set(re.findall(r"^(\w+)=", text, re.MULTILINE))
            if more := re.search(r"\*\*outcome\(\"\w+\"(?:, \"(\w+)\")?\)", text):
                names |= outcome | ({more[1]} if more[1] else set())
            assert names == set(re.findall(rf"\{{{side}\.(\w+):q\}}", fields)), f"{file}: rule {rule}, {side}"
    assert seen > 50


@pytest.mark.parametrize("given", [False, True])
def test_every_command_is_a_call_of_its_step(make_folder, config, given):
    folder = make_folder("commands")
    (folder / "list.txt").write_text("example.org\n", encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    every = changed(
        config,
        pipeline=[
            "remove",
            "url_filter",
            "text_repair",
            *config["pipeline"][:4],
            "substring_dedup",
            *config["pipeline"][4:],
            "toxicity",
        ],
        toxicity__lists={"en": ["list.txt"]},
        remove__domains=["list.txt"],
        url_filter__block={"some": {"domains": ["list.txt"]}},
        minhash_dedup__audit_sample=1,
        minhash_dedup__write_index=True,
        domains__features="embeddings",
        domains__labels__files=[],
        report__alarms_fatal=True,
    )
    every["domains"].pop("training")
    # Lexical rules need no labels.
    every["domains"] |= {"features": "lexical"} if given else {"labels": SELECTED}
    if given:
        every["tokenizer"] = {"file": "tokenizer.json"}
    output = run_workflow(folder, every, "--dry-run", "--printshellcmds")
    lines = re.findall(r"^Shell command: (python -m tamis\.job .*) > ", output, re.MULTILINE)
    steps = set()
    for line in lines:
        words, files = job.parted(shlex.split(line))
        _, _, _, stage, step, option, params, *pairs = words
        assert option == "--params"
        module = job.find_module(stage)
        values = dict(pair.split("=", 1) for pair in pairs) | files
        job.bind(module, getattr(module, f"run_{step}"), json.loads(params), values)
        steps.add((stage, step))
    assert len(steps) > 50
    assert (("tokenizer", "given") in steps) == given


def test_stages_know_nothing_of_snakemake():
    for path in (ROOT / "tamis").rglob("*.py"):
        if path.name not in ("launch.py", "cli.py") and path.parent.name != "engine":
            assert not re.search(r"^\s*(import|from) snakemake", path.read_text(encoding="utf-8"), re.MULTILINE), path
