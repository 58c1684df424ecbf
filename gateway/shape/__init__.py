"""
What leaves and what comes back: parsing, filtering, transforms, scanning.

Everything is compiled from the manifest once and then applied, with all that
is impure handed over in a `Context`.
"""

from gateway.shape.forms import FORM, FormFilter, compile_form, parse_form
from gateway.shape.inbound import Received, ReceiveFilter, compile_receive
from gateway.shape.minimise import (
    Context,
    FieldFate,
    Minimised,
    SendFilter,
    compile_send,
)
from gateway.shape.params import FilteredParams, ParamFilter, compile_params, filter_params
from gateway.shape.parse import Limits, decode_content, parse_json
from gateway.shape.scan import Finding, find_personal, mask_personal
from gateway.shape.subjects import subjects_in
from gateway.shape.transforms import TRANSFORMERS, compile_transform
from gateway.shape.values import DROPPED, Number, write_scalar

__all__ = [
    "DROPPED",
    "FORM",
    "TRANSFORMERS",
    "Context",
    "FieldFate",
    "FilteredParams",
    "Finding",
    "FormFilter",
    "Limits",
    "Minimised",
    "Number",
    "ParamFilter",
    "ReceiveFilter",
    "Received",
    "SendFilter",
    "compile_form",
    "compile_params",
    "compile_receive",
    "compile_send",
    "compile_transform",
    "decode_content",
    "filter_params",
    "find_personal",
    "mask_personal",
    "parse_form",
    "parse_json",
    "subjects_in",
    "write_scalar",
]
