"""Reads a trace in OTLP's JSON with protobuf's own reader, which refuses unknown fields and wrong types."""

import json
import pathlib
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

text = pathlib.Path(sys.argv[1]).read_text()
# Other than protobuf's mapping, OTLP's has ids in hexadecimal; which the reader takes for base64.
request = json_format.Parse(text, ExportTraceServiceRequest(), ignore_unknown_fields=False)
spans = request.resource_spans[0].scope_spans[0].spans
raw = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
assert len(spans) == len(raw) == 3
for span, plain in zip(spans, raw):
    assert len(bytes.fromhex(plain["traceId"])) == 16 and len(bytes.fromhex(plain["spanId"])) == 8, plain
    assert span.start_time_unix_nano <= span.end_time_unix_nano
    assert all(attribute.value.WhichOneof("value") for attribute in span.attributes)
assert all(below["parentSpanId"] == above["spanId"] for above, below in zip(raw, raw[1:]))
print(f"{len(spans)} spans: {', '.join(span.name for span in spans)}")
