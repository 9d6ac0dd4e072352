"""The JSON schema of `run.yaml`, for editors: they complete keys, and mark what is wrong."""

from __future__ import annotations

import json

from aofl.config.schema import RunConfig

SCHEMA_FILE = "aofl.schema.json"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> str:
    """Return the schema of a configuration as JSON (draft 2020-12).

    It knows keys, types, ranges and alternatives. What depends on several keys, on files or on the
    composition is for `aofl check`.
    """
    schema = {"$schema": _DIALECT, **RunConfig.model_json_schema(), "title": "aofl run.yaml"}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def editor_line(file: str = SCHEMA_FILE) -> str:
    """Return the line of a configuration that makes editors use a schema beside it."""
    return f"# yaml-language-server: $schema={file}"
