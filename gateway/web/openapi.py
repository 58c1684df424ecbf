"""The OpenAPI document, made of the same table that routes requests."""

import re
from typing import Any

from pydantic import TypeAdapter

import gateway
from gateway.errors import REASONS
from gateway.web import cases
from gateway.web.api import ENDPOINTS, Endpoint

_PARAMETER = re.compile(r"\{(\w+)\}")
_QUERIES = {
    "/v1/ledger/entries": ("start", "limit"),
    "/v1/ledger/proof/inclusion": ("index", "size"),
    "/v1/ledger/proof/consistency": ("from", "to"),
}


def document() -> dict[str, Any]:
    """OpenAPI 3.1 of the internal listener's `/v1`."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in (*ENDPOINTS, *cases.ENDPOINTS):
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Data-sharing gateway", "version": gateway.__version__},
        "security": [{"service": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "service": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
            "schemas": {"Problem": _problem()},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "description": f"Needs the scope `{endpoint.scope}`.",
        "parameters": _parameters(endpoint.path),
        "responses": {
            "2XX": {"description": "Done"},
            "4XX": _refused("Refused"),
            "5XX": _refused("Not possible now"),
        },
    }
    if endpoint.body is not None:
        # Inlined, so that each operation can be read by itself.
        schema = TypeAdapter(endpoint.body).json_schema(ref_template="#/$defs/{model}")
        operation["requestBody"] = {"content": {"application/json": {"schema": _inline(schema)}}}
    return operation


def _parameters(path: str) -> list[dict[str, Any]]:
    inside = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]
    asked = [
        {"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0}}
        for name in _QUERIES.get(path, ())
    ]
    return inside + asked


def _inline(schema: dict[str, Any]) -> Any:
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rpartition("/")[2]])
            return {name: resolve(part) for name, part in value.items()}
        return [resolve(part) for part in value] if isinstance(value, list) else value

    return resolve(schema)


def _refused(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _problem() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "clause", "remedy", "disclosed"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "code": {"enum": sorted(reason.value for reason in REASONS)},
            "clause": {"type": "array", "items": text},
            "remedy": text,
            "disclosed": {"enum": ["yes", "no", "maybe"]},
            "share": text,
        },
    }
