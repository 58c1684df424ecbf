"""The OpenAPI document, made of the same table that routes requests."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

import gateway
from gateway.errors import REASONS
from gateway.model.cases import CaseState
from gateway.web import cases, keys, opendsr, reports
from gateway.web.api import ENDPOINTS, Endpoint
from gateway.web.bodies import WithdrawBody

_PARAMETER = re.compile(r"\{(\w+)\}")
_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 0}
_SWITCH = {"enum": ["true", "false"]}
_TIME = {"type": "string", "format": "date-time"}
_DAY_OR_TIME = {"anyOf": [{"type": "string", "format": "date"}, _TIME]}
_PERIOD = {"from": _DAY_OR_TIME, "to": _DAY_OR_TIME}
_PAGED: Mapping[str, dict[str, Any]] = {
    "after": _TEXT,
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "format": {"enum": ["json", "csv", "lines"]},
}
_TABLES = {"enum": ["json", "csv", "html"]}
_QUERIES: Mapping[tuple[str, str], Mapping[str, dict[str, Any]]] = {
    ("GET", "/v1/cases"): {
        "state": {"enum": [state.value for state in CaseState]},
        "partner": _TEXT,
        "due_before": _TIME,
        "overdue": _SWITCH,
        **_PAGED,
    },
    ("GET", "/v1/tasks"): {"partner": _TEXT, **_PAGED},
    ("GET", "/v1/reports/scorecard"): {**_PERIOD, "partner": _TEXT, "format": _TABLES},
    ("POST", "/v1/cases"): {"preview": _SWITCH},
    ("POST", "/v1/mass-cases"): {"preview": _SWITCH},
    ("GET", "/v1/cases/{id}/certificate"): {
        "interim": _SWITCH,
        "format": {"enum": ["html", "jose"]},
    },
    ("GET", "/v1/mass-cases/{id}/certificate"): {
        "interim": _SWITCH,
        "format": {"enum": ["html", "jose"]},
    },
    ("GET", "/v1/cases/{id}/answer"): {
        "format": {"enum": ["html", "text"]},
        "language": {"enum": ["en", "zh"]},
    },
    ("GET", "/v1/notices/{id}/letter"): {
        "format": {"enum": ["html", "text"]},
        "language": {"enum": ["en", "zh"]},
    },
    ("GET", "/v1/subjects/{subject}/disclosures"): {"proofs": _SWITCH},
    ("GET", "/v1/ledger/entries"): {"start": _NUMBER, "limit": _NUMBER},
    ("GET", "/v1/ledger/proof/inclusion"): {"index": _NUMBER, "size": _NUMBER},
    ("GET", "/v1/ledger/proof/consistency"): {"from": _NUMBER, "to": _NUMBER},
    ("GET", "/v1/ledger/affected"): {
        "partner": _TEXT,
        **_PERIOD,
        "purpose": _TEXT,
        "category": _TEXT,
    },
    ("GET", "/v1/reports/ropa"): _PERIOD,
    ("GET", "/v1/reports/transparency"): _PERIOD,
    ("GET", "/v1/reports/access"): _PERIOD,
    ("GET", "/v1/reports/ask-again"): {"purpose": _TEXT},
}
# What cannot be left out.
_REQUIRED = {
    ("/v1/ledger/proof/inclusion", "index"),
    ("/v1/ledger/proof/consistency", "from"),
}
_JSON, _PAGE, _LINES = "application/json", "text/html", "application/x-ndjson"
_CSV = "text/csv"
# What is answered where it is not JSON alone.
_ANSWERS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("PUT", "/v1/subjects/{subject}"): (),
    ("GET", "/v1/subjects/{subject}/disclosures"): (_JSON, _PAGE),
    ("GET", "/v1/cases"): (_JSON, _CSV, _LINES),
    ("GET", "/v1/tasks"): (_JSON, _CSV, _LINES),
    ("GET", "/v1/reports/scorecard"): (_JSON, _CSV, _PAGE),
    ("GET", "/v1/cases/{id}/events"): ("text/event-stream",),
    ("GET", "/v1/cases/{id}/certificate"): ("application/jose", _PAGE),
    ("GET", "/v1/mass-cases/{id}/certificate"): ("application/jose", _PAGE),
    ("GET", "/v1/mass-cases/{id}/cases"): ("text/plain",),
    ("GET", "/v1/cases/{id}/answer"): ("text/plain", _PAGE),
    ("GET", "/v1/notices/{id}/letter"): ("text/plain", _PAGE),
    ("DELETE", "/v1/notices/{id}/resolution"): (),
    ("GET", "/v1/opendsr/certificate"): ("application/x-pem-file",),
    ("DELETE", "/v1/opendsr/requests/{id}"): (),
    ("GET", "/v1/ledger/affected"): (_LINES,),
    ("GET", "/v1/reports/ask-again"): (_LINES,),
    ("GET", "/v1/reports/sharing-list"): (_JSON, _PAGE),
    ("GET", "/v1/reports/ropa"): (_JSON, _PAGE),
    ("GET", "/v1/reports/transparency"): (_JSON, _PAGE),
    ("GET", "/v1/reports/access"): (_JSON, _PAGE),
}


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1 of the internal listener's `/v1`."""
    paths: dict[str, dict[str, Any]] = {}
    beside = (*reports.ENDPOINTS, *keys.ENDPOINTS, *opendsr.ENDPOINTS)
    for endpoint in (*ENDPOINTS, *cases.ENDPOINTS, *beside):
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
        "description": _needs((endpoint.scope, *endpoint.also)),
        "parameters": _parameters(endpoint.method, endpoint.path),
        "responses": {
            "2XX": _done(endpoint),
            "4XX": _refused("Refused"),
            "5XX": _refused("Not possible now"),
        },
    }
    if endpoint.body is not None:
        # Inlined, so that each operation can be read by itself.
        schema = TypeAdapter(endpoint.body).json_schema(ref_template="#/$defs/{model}")
        operation["requestBody"] = {
            "required": endpoint.body not in (WithdrawBody, keys.RotateBody),
            "content": {_JSON: {"schema": _inline(schema)}},
        }
    return operation


def _done(endpoint: Endpoint) -> dict[str, Any]:
    kinds = _ANSWERS.get((endpoint.method, endpoint.path), (_JSON,))
    return {"description": "Done", **({"content": {one: {} for one in kinds}} if kinds else {})}


def _needs(scopes: tuple[str, ...]) -> str:
    named = " and ".join(f"`{scope}`" for scope in scopes)
    return f"Needs the scope{'s' if len(scopes) > 1 else ''} {named}."


def _parameters(method: str, path: str) -> list[dict[str, Any]]:
    inside = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in _PARAMETER.findall(path)
    ]
    asked = [
        _asked(name, schema, required=(path, name) in _REQUIRED)
        for name, schema in _QUERIES.get((method, path), {}).items()
    ]
    return inside + asked


def _asked(name: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    # What may be left out may be empty as well, but for a switch.
    lax = not required and schema not in (_TEXT, _SWITCH)
    taken = {"anyOf": [schema, {"const": ""}]} if lax else schema
    return {"name": name, "in": "query", "required": required, "schema": taken}


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
