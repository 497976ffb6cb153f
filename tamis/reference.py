"""Write the reference pages from the code: `python -m tamis.reference [--check]`.

`docs/reference/config.md` and `config.schema.json` come from the pydantic models, `tables.md` from
`tamis/schemas.py`. With `--check` nothing is written and the exit status is 1 when a page has drifted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tamis import schemas
from tamis.config_model import Config

FOLDER = Path("docs/reference")
HEAD = "<!-- Written by `make docs` from the code; edit the descriptions there. -->\n"


def _name(reference: str) -> str:
    """The readable name of a definition: `tamis__stages__ingest__Config` is ingest."""
    name = reference.rsplit("/", 1)[-1]
    parts = name.split("__")
    return (
        {"parquet": "export", "settings": "report"}.get(parts[-2], parts[-2])
        if parts[-1] == "Config" and len(parts) > 1
        else name
    )


def _type(schema: dict[str, Any]) -> str:  # noqa: PLR0911 - one return a form of schema
    """A field's JSON Schema as a short phrase."""
    if "$ref" in schema:
        return f"[{_name(schema['$ref'])}](#{_name(schema['$ref']).lower()})"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(option) for option in schema[key]))
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if schema.get("type") == "object":
        inner = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
        return f"name: {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return str(schema.get("type", "any")) + _range(schema)


def _range(schema: dict[str, Any]) -> str:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[key]:g}" for key, sign in signs.items() if key in schema]
    return f" ({', '.join(limits)})" if limits else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _section(name: str, schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n\n"
    if schema.get("description"):
        yield f"{schema['description'].strip()}\n\n"
    yield "| key | type | default | meaning |\n|---|---|---|---|\n"
    required = schema.get("required", [])
    for key, field in schema.get("properties", {}).items():
        default = "required" if key in required else f"`{json.dumps(field.get('default', '…'), ensure_ascii=False)}`"
        meaning = field.get("description", "")
        options = [option for key in ("anyOf", "oneOf") for option in field.get(key, ())]
        if field.get("default") and any("$ref" in option for option in options):
            default = "its defaults"
        if "$ref" in field:
            default = default if key in required else "its defaults"
            meaning = meaning or definitions[field["$ref"].rsplit("/", 1)[-1]].get("description", "").split("\n")[0]
        yield f"| `{key}` | {_cell(_type(field))} | {_cell(default)} | {_cell(meaning)} |\n"


def config_page(schema: dict[str, Any]) -> str:
    """The configuration reference as Markdown."""
    text = [HEAD, "# Configuration\n\nEvery key of `config.yaml`. Unknown keys are refused.\n"]
    definitions = schema["$defs"]
    text += _section("The top level", schema, definitions)
    for name, definition in sorted(definitions.items(), key=lambda item: _name(item[0]).lower()):
        if "properties" in definition:
            text += _section(_name(name), definition, definitions)
    return "".join(text)


def tables_page() -> str:
    """The tables on disk as Markdown."""
    text = [HEAD, "# Tables\n\nThe columns of every Parquet file, from `tamis/schemas.py`.\n"]
    documents = schemas.documents_schema(list(schemas.STAGE_COLUMNS))
    tables: dict[str, pa.Schema] = {
        "documents": documents,
        "dropped (the ledger)": schemas.LEDGER,
        "edits": schemas.EDITS,
        "skipped": schemas.SKIPPED,
    }
    for name, schema in tables.items():
        text.append(f"\n## {name}\n\n| column | type |\n|---|---|\n")
        text += [f"| `{field.name}` | {str(field.type).replace('large_string', 'string')} |\n" for field in schema]
        if schema is schemas.LEDGER:
            text.append(f"\n{schemas.COPIES_IN_LEDGER}\n")
    text.append(f"\nKinds: {', '.join(schemas.KINDS)}. Domains: {', '.join(schemas.DOMAINS)}.\n")
    text.append("In documents, only url, date and metadata of the ingest columns may be null.\n")
    return "".join(text)


def pages() -> dict[Path, str]:
    """Every generated page: path → content."""
    schema = Config.model_json_schema(ref_template="#/$defs/{model}")
    return {
        FOLDER / "config.md": config_page(schema),
        FOLDER / "config.schema.json": json.dumps(schema, indent=1, ensure_ascii=False) + "\n",
        FOLDER / "tables.md": tables_page(),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or say which have drifted."""
    parser = argparse.ArgumentParser(prog="python -m tamis.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page has drifted")
    given = parser.parse_args(argv)
    drifted = []
    for path, text in pages().items():
        if given.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                drifted.append(str(path))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if drifted:
        sys.stderr.write(f"Not what the code says: {', '.join(drifted)}. Run `make docs`.\n")
    return bool(drifted)


if __name__ == "__main__":
    sys.exit(main())
