"""The golden replies of crates/dialect, parsed by the vendors' own Python clients.

Needs no server: `pip install openai anthropic`, then `python tests/clients/python/check_goldens.py`.
Every reply and every event must fit the client's own type strictly, and the clients' own
accumulation of a stream must give the reply that the server writes unstreamed.
"""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import anthropic.types
import openai.types
import openai.types.responses
from anthropic import Anthropic
from openai import OpenAI
from pydantic import TypeAdapter

DATA = Path(__file__).parents[3] / "crates" / "dialect" / "testdata"


def value(name):
    return json.loads((DATA / name).read_text())


def events(name):
    return [json.loads(line) for line in (DATA / name).read_text().splitlines()]


@contextmanager
def served(events):
    """The address of a server that answers every request with these events."""
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def check(kind, data):
    TypeAdapter(kind).validate_python(data, strict=False)


def check_anthropic():
    check(anthropic.types.Message, value("anthropic/reply.json"))
    stream = events("anthropic/stream.jsonl")
    for event in stream:
        if event["type"] == "error":
            check(anthropic.types.ErrorResponse, event)
        elif event["type"] != "ping":
            check(anthropic.types.RawMessageStreamEvent, event)
    whole = [event for event in stream if event["type"] != "error"]
    request = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    with served(whole) as url, Anthropic(api_key="x", base_url=url) as client:
        with client.messages.stream(**request) as answer:
            message = answer.get_final_message()
    wanted = {key: field for key, field in value("anthropic/reply.json").items() if field is not None}
    assert message.to_dict(exclude_none=True) == wanted, message
    with served(stream[:4] + stream[-1:]) as url, Anthropic(api_key="x", base_url=url, max_retries=0) as client:
        try:
            list(client.messages.create(stream=True, **request))
        except anthropic.APIStatusError as error:
            assert "Try again later." in str(error)
        else:
            raise AssertionError("an error event must raise")


def check_responses():
    for name in ["responses/reply.json", "responses/reply.incomplete.json"]:
        check(openai.types.responses.Response, value(name))
    for name in ["responses/stream.jsonl", "responses/stream.summary.jsonl"]:
        for event in events(name):
            check(openai.types.responses.ResponseStreamEvent, event)
    with served(events("responses/stream.jsonl")) as url, OpenAI(api_key="x", base_url=url) as client:
        with client.responses.stream(model="m", input="Hi") as answer:
            response = answer.get_final_response()
    assert response.output_text == "每 90 天 [1]。"
    last = events("responses/stream.jsonl")[-1]["response"]
    assert last == value("responses/reply.json")


def check_others():
    check(openai.types.ModerationCreateResponse, value("moderation.json"))
    check(openai.types.CreateEmbeddingResponse, value("embeddings.json"))


if __name__ == "__main__":
    check_anthropic()
    check_responses()
    check_others()
    print("all golden replies fit the clients' own types")
