"""`tamis`: run the workflow and put questions to its results.

tamis init PRESET --source GLOB   write a configuration for your own text
tamis run [snakemake arguments]   run or continue the workflow; what `make run` calls
tamis waterfall                   what each stage kept and dropped, and where the report lies
tamis why ID_OR_URL               one document's story: which rule dropped it, or where it ended
tamis sql QUERY                   a question in SQL to all tables of the results
tamis verify                      hold the results against their manifest; exit code 2 where they differ
tamis reproduce MANIFEST          the configuration that made some results
tamis refresh [--configfile …]    ask whether remote files have changed; the next run fetches those
tamis clean                       delete what runs have moved to retired/
"""

from __future__ import annotations

import argparse
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tamis import __version__, trouble
from tamis.errors import TamisError, safe

MOST_ROWS = 200
INTERRUPTED = 130


def say(text: str) -> None:
    """Print; what the terminal's encoding cannot show is replaced."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding) + "\n")


def show_waterfall(folder: Path) -> int:
    """`tamis waterfall`."""
    from tamis.report import tables, terminal
    from tamis.report.alarms import raised
    from tamis.report.contents import toxicity
    from tamis.report.layout import Results
    from tamis.report.measures import measures

    results = Results.open(folder)
    stats, finished = tables.read_stats(results)
    steps = tables.steps(stats)
    if not steps:
        say(f"No stage of {folder} is done yet.")
        return 0
    say(terminal.waterfall(steps))
    if figures := measures(tables.read_notes(results)):
        say("\n" + terminal.measured(figures))
    if (found := toxicity(results)) is not None:
        say("\n" + terminal.listed(found))
    page = folder / "report" / "index.html"
    if finished and (listed := terminal.alarms(raised(results), str(page))):
        say("\n" + listed)
    say("")
    if not finished:
        from tamis.report.alarms import left_out

        for sentence in left_out(folder):
            say(f"! {safe(sentence)}")
        left = len(results.layout.stages) - len(steps)
        say(
            f"The run is not finished: {left} of {len(results.layout.stages)} stages and what follows them are missing."
        )
    elif page.exists():
        say(f"Report: {page}")
    say(f"Ask about a document: {_command('why', folder)} ID_OR_URL")
    return 0


def _command(name: str, folder: Path) -> str:
    return f"tamis {name}" if folder == Path("results") else f"tamis {name} --results {shlex.quote(str(folder))}"


def show_why(folder: Path, question: str) -> int:
    """`tamis why`."""
    from tamis.report import story, terminal
    from tamis.report.layout import Results

    results = Results.open(folder)
    found = story.resolve(results, question)
    if found.skipped:
        say(terminal.skipped(found.skipped))
    if len(found.ids) > 1:
        say(f"{len(found.ids)} documents have this address or beginning of an id:\n")
    for index, document_id in enumerate(found.ids[: story.MOST_STORIES]):
        if index:
            say("")
        say(terminal.story(story.tell(results, document_id)))
    if len(found.ids) > story.MOST_STORIES:
        say(f"\n… and {len(found.ids) - story.MOST_STORIES} more; give more characters of the id.")
    return 0


def show_sql(folder: Path, query: str) -> int:
    """`tamis sql`."""
    import duckdb

    from tamis.report import database, terminal
    from tamis.report.layout import Results

    with database.connect(Results.open(folder)) as connection:
        try:
            answer = database.ask(connection, query, MOST_ROWS)
        except duckdb.Error as error:
            names = sorted(
                row[0]
                for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
            )
            raise TamisError(f"{error}\nTables: {', '.join(names)}") from error
    say(terminal.table(answer.columns, answer.rows, answer.numbers))
    if answer.more:
        say(f"… the first {MOST_ROWS} rows; add a LIMIT, or COPY (…) TO 'file.csv' for all of them")
    return 0


def run_workflow(arguments: Sequence[str]) -> int:
    """`tamis run`."""
    from tamis import launch, sweep

    folder = launch.output_folder(arguments)
    before = sweep.records(folder)
    code = launch.run(arguments)
    for sentence in sweep.told_since(folder, before):
        say(sentence)
    given = launch.parse_workflow(arguments)
    if code != 0 or given.dry_run:
        return code
    if (folder / "layout.json").exists():
        say("")
        return show_waterfall(folder)
    if (folder / "ingest").exists():
        _after_single_stages(folder, given)
    return code


def _after_single_stages(folder: Path, given: argparse.Namespace) -> None:
    """What a run of single stages has to say, which makes no report: files left out, and how to get the counts."""
    from tamis.report.alarms import left_out

    for sentence in left_out(folder):
        say(f"! {safe(sentence)}")
    words = ["tamis", "run", "report_layout"]
    words += ["--directory", str(given.directory)] * (given.directory != Path())
    words += ["--configfile", *map(str, given.configfile)] * bool(given.configfile)
    words += ["--config", *given.config] * bool(given.config)
    say(f"What each stage kept: {shlex.join(words)}")


def write_preset(given: argparse.Namespace) -> int:
    """`tamis init`."""
    from tamis import presets

    output, sources = presets.write(
        given.preset,
        given.source,
        strictness=given.strictness,
        output=given.output,
        given=given.format,
        text=given.text,
    )
    for source in sources:
        fields = [f"{key} {name or 'null (most are shared)'}" for key, name in source.fields.items()]
        fields += [f"{name} {share}" for name, share in source.partly.items()]
        fields += [f"no {' and no '.join(source.without)}"] if source.without else []
        files = f"{source.files} file{'s' if source.files > 1 else ''} of {source.format}"
        say(f"{source.name}: {', '.join([files, *fields])}")
        if source.left:
            say(f"  left out: {source.left}. Text among them is taken with --format text")
        if source.odd:
            say(f"  skipped and listed: {source.odd}")
    say(f"Wrote {output} ({given.strictness}); each line says what it does. Next:")
    say(f"  tamis run --configfile {shlex.quote(str(output))}")
    return 0


def reproduce_configuration(manifest: Path, output: Path | None) -> int:
    """`tamis reproduce`."""
    from tamis import reproduce

    if output is None:
        value = reproduce.read(manifest)
        say(reproduce.configuration(value).rstrip("\n"))
        warnings = list(reproduce.differences(value))
    else:
        warnings = reproduce.write(manifest, output)
    for warning in warnings:
        sys.stderr.write(f"tamis: {warning}\n")
    return 0


def _keepers(commands: Any, results: argparse.ArgumentParser) -> None:
    """The commands that look after results."""
    verify = commands.add_parser(
        "verify",
        parents=[results],
        help="hold the results against their manifest",
        description="Hold the results against their manifest and name each file that is missing, added or different, "
        "with the job that makes it.",
        epilog="Exit codes: 0 the results are whole, 1 an error of tamis, 2 something is missing, added or different.",
    )
    verify.add_argument("--fast", action="store_true", help="compare sizes only, not sha256")
    verify.add_argument("--repair", action="store_true", help="take damaged files away; the next run makes them again")
    reproduce = commands.add_parser("reproduce", help="the configuration that made some results, as YAML")
    reproduce.add_argument("manifest", type=Path, metavar="MANIFEST", help="manifest.json of a results folder")
    reproduce.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it here (default: print it)")
    refresh = commands.add_parser(
        "refresh",
        help="ask whether remote files have changed; the next run fetches those that have",
        description="Ask the servers of all remote files and lists of a configuration whether they have changed. Those "
        "that have, and those that could not be fetched, are fetched by the next run; all others stay.",
    )
    refresh.add_argument("--all", action="store_true", dest="every", help="ask nobody: fetch all of them again")
    refresh.add_argument("--configfile", nargs="+", metavar="FILE", default=[], help="as for tamis run")
    refresh.add_argument("--directory", metavar="FOLDER", default=".", help="as for tamis run (default: here)")
    clean = commands.add_parser("clean", parents=[results], help="delete what runs have moved to retired/")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    clean.add_argument("--dry-run", action="store_true", help="name it and its size, delete nothing")


def _keep(given: argparse.Namespace) -> int:
    from tamis import clean, verify

    match given.command:
        case "verify":
            return verify.run(given.results, fast=given.fast, mend=given.repair, say=say)
        case "refresh":
            from tamis import refresh

            files = ["--configfile", *given.configfile] if given.configfile else []
            return refresh.run([*files, "--directory", given.directory], every=given.every, say=say)
        case "clean":
            return clean.run(given.results, yes=given.yes, dry_run=given.dry_run, say=say)
        case _:
            return reproduce_configuration(given.manifest, given.output)


def _init(commands: Any) -> None:
    """The command that writes a configuration."""
    from tamis.presets import PRESETS

    init = commands.add_parser(
        "init",
        help="write a configuration for your own text",
        description="Write a configuration for your own text, with a comment a line. Presets: "
        + "; ".join(f"{name}, {what}" for name, what in PRESETS.items())
        + ".",
    )
    init.add_argument("preset", choices=sorted(PRESETS), metavar="PRESET", help=", ".join(PRESETS))
    init.add_argument(
        "--source",
        nargs="+",
        action="append",
        required=True,
        metavar="GLOB",
        help="files, or patterns in quotes (** crosses folders), for code also folders and archives; each --source is "
        "a source of its own",
    )
    init.add_argument("--strictness", choices=("strict", "loose"), default="strict", help="of the thresholds")
    init.add_argument(
        "--format",
        choices=("jsonl", "parquet", "csv", "text", "html", "warc", "code", "latex", "pdf", "parallel"),
        help="of the files, where it is not recognised",
    )
    init.add_argument("--text", metavar="NAME", help="field or column that holds the text, where it is not recognised")
    init.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file to write (default: PRESET.yaml)")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tamis", description="Run tamis and put questions to its results.")
    parser.add_argument("--version", action="version", version=f"tamis {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _init(commands)
    commands.add_parser("run", help="run or continue the workflow; all further arguments go to Snakemake")
    results = argparse.ArgumentParser(add_help=False)
    results.add_argument(
        "--results", type=Path, default=Path("results"), metavar="FOLDER", help="the results folder (default: results)"
    )
    commands.add_parser("waterfall", parents=[results], help="what each stage kept and dropped")
    why = commands.add_parser("why", parents=[results], help="what became of a document")
    why.add_argument(
        "document",
        metavar="ID_OR_URL",
        help="an id, the first 6 or more characters of one, a URL, or of files of text their path",
    )
    sql = commands.add_parser("sql", parents=[results], help="ask the results in SQL (DuckDB)")
    sql.add_argument("query", metavar="QUERY", help="for example: SELECT * FROM waterfall")
    _keepers(commands, results)
    _estimate(commands)
    return parser


def _estimate(commands: Any) -> None:
    """The command that says what a run will take."""
    estimate = commands.add_parser(
        "estimate",
        help="what a run will take, from timed runs over samples of its input",
        description="Run the chain over three samples of the real input, and say for each stage how many jobs, "
        "core-hours, memory and disk the whole will take and when it ends. Nothing is left behind.",
    )
    estimate.add_argument("configfile", metavar="CONFIG", help="the configuration file")
    estimate.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="of a node (default: those here)")
    estimate.add_argument("--nodes", type=int, default=1, help="how many machines of so many cores (default: 1)")
    estimate.add_argument(
        "--sample", type=int, default=20, metavar="MB", help="of input files that are read for it (default: 20)"
    )


def _answer(given: argparse.Namespace) -> int:
    match given.command:
        case "init":
            return write_preset(given)
        case "waterfall":
            return show_waterfall(given.results)
        case "why":
            return show_why(given.results, given.document)
        case "estimate":
            from tamis import estimate

            found = {"cores": given.cores, "nodes": given.nodes, "sample": given.sample * 1_000_000}
            return estimate.run(given.configfile, **found, say=say)
        case "sql":
            return show_sql(given.results, given.query)
        case _:
            return _keep(given)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script; 1 with one readable message for an error of tamis."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    try:
        # Snakemake's own arguments must not be looked at by argparse.
        if arguments[:1] == ["run"] and arguments[1:] not in (["-h"], ["--help"]):
            return run_workflow(arguments[1:])
        return _answer(_parser().parse_args(arguments))
    except TamisError as error:
        code = 1
        message = str(error)
    except BrokenPipeError:
        # The reader (`head`, `less`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        code = INTERRUPTED
        message = "stopped by Ctrl-C"
    except OSError as error:
        if not trouble.is_full(error) and not trouble.is_refusal(error):
            raise
        code = 1
        message = trouble.refusal(error)
    sys.stderr.write(f"tamis: {message}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
