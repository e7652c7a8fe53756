"""The routes beside chat completions, through the vendors' official Python clients, against a running server.

The same environment as test_openai.py. See ../README.md.
"""

import json
import os
import unittest
import urllib.request

import anthropic
import openai

URL = os.environ["YIZHAN_URL"].rstrip("/")
KEY = os.environ["YIZHAN_KEY"]
CHAT = os.environ["YIZHAN_CHAT_MODEL"]

HELLO = [{"role": "user", "content": "Say hello."}]


def claude(key=KEY):
    return anthropic.Anthropic(base_url=URL, api_key=key, max_retries=0, timeout=300)


def client():
    return openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=300)


def post(path, body):
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


class Messages(unittest.TestCase):
    def test_unary(self):
        reply = claude().messages.create(model=CHAT, max_tokens=32, system="Be brief.", messages=HELLO)
        self.assertTrue(reply.id.startswith("msg_"))
        self.assertEqual((reply.type, reply.role, reply.model), ("message", "assistant", CHAT))
        self.assertTrue("".join(block.text for block in reply.content if block.type == "text"))
        self.assertIn(reply.stop_reason, ("end_turn", "max_tokens"))
        self.assertGreater(reply.usage.input_tokens, 0)

    def test_stream(self):
        with claude().messages.stream(model=CHAT, max_tokens=32, messages=HELLO) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, "".join(block.text for block in final.content if block.type == "text"))
        self.assertTrue(text)
        self.assertGreater(final.usage.output_tokens, 0)

    def test_count_tokens(self):
        short = claude().messages.count_tokens(model=CHAT, messages=HELLO).input_tokens
        long = claude().messages.count_tokens(model=CHAT, system="Be brief. " * 20, messages=HELLO).input_tokens
        self.assertGreater(long, short)
        self.assertGreater(short, 0)

    def test_errors(self):
        with self.assertRaises(anthropic.AuthenticationError):
            claude("sk-wrong").messages.create(model=CHAT, max_tokens=8, messages=HELLO)
        with self.assertRaises(anthropic.NotFoundError) as caught:
            claude().messages.create(model="no-such-model", max_tokens=8, messages=HELLO)
        self.assertEqual(caught.exception.body["error"]["type"], "not_found_error")
        with self.assertRaises(anthropic.BadRequestError):
            claude().messages.create(model=CHAT, max_tokens=8, messages=[])


class Responses(unittest.TestCase):
    def test_unary(self):
        reply = client().responses.create(model=CHAT, input="Say hello.", max_output_tokens=32, metadata={"a": "b"})
        self.assertTrue(reply.id.startswith("resp_"))
        self.assertIn(reply.status, ("completed", "incomplete"))
        self.assertTrue(reply.output_text)
        self.assertEqual(reply.metadata, {"a": "b"})
        self.assertGreater(reply.usage.input_tokens, 0)

    def test_stream(self):
        with client().responses.stream(model=CHAT, input=HELLO, max_output_tokens=32) as stream:
            events = list(stream)
        # The smallest model may talk on until the limit: `incomplete` is an end too.
        final = events[-1].response
        self.assertIn(final.status, ("completed", "incomplete"))
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        self.assertEqual("".join(deltas), final.output_text)
        self.assertEqual([event.sequence_number for event in events], list(range(len(events))))

    def test_state_is_refused(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().responses.create(model=CHAT, input="x", previous_response_id="resp_1")
        self.assertEqual(caught.exception.param, "previous_response_id")


class Others(unittest.TestCase):
    def test_rerank(self):
        # The smallest model judges badly: the shape is looked at, and that the order follows the scores.
        body = {"model": CHAT, "query": "pump", "documents": ["a cat", {"text": "a pump"}]}
        for path in ("/v1/rerank", "/v2/rerank"):
            results = post(path, body)["results"]
            self.assertEqual({result["index"] for result in results}, {0, 1})
            scores = [result["relevance_score"] for result in results]
            self.assertEqual(scores, sorted(scores, reverse=True))
            self.assertEqual("document" in results[0], path == "/v1/rerank")
            self.assertEqual(len(post(path, {**body, "top_n": 1})["results"]), 1)

    def test_moderations(self):
        reply = client().moderations.create(input=["Hello.", "你好。"])
        self.assertEqual([result.flagged for result in reply.results], [False, False])


if __name__ == "__main__":
    unittest.main()
