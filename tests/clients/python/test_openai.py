"""The official Python client against a running server. See ../README.md for the environment."""

import os
import unittest
import uuid

import openai

URL = os.environ["YIZHAN_URL"].rstrip("/") + "/v1"
KEY = os.environ["YIZHAN_KEY"]
CHAT = os.environ["YIZHAN_CHAT_MODEL"]
EMBED = os.environ["YIZHAN_EMBED_MODEL"]
MUST_CITE = os.environ.get("YIZHAN_ANNOTATIONS") != "optional"

TEXT = """# Pump P-4711

The pump P-4711 must be serviced every 90 days.
Its oil is of the type ISO VG 46.

# 泵 P-4711

泵 P-4711 的密封圈每 180 天更换一次。
"""
QUESTION = "How often must the pump P-4711 be serviced?"


def client(key=KEY):
    return openai.OpenAI(base_url=URL, api_key=key, max_retries=0, timeout=300)


def ask(text, **more):
    messages = [{"role": "user", "content": text}]
    return client().chat.completions.create(model=CHAT, messages=messages, max_tokens=32, **more)


class Models(unittest.TestCase):
    def test_list_and_retrieve(self):
        names = [model.id for model in client().models.list()]
        self.assertIn(CHAT, names)
        self.assertIn(EMBED, names)
        self.assertEqual(client().models.retrieve(CHAT).id, CHAT)
        with self.assertRaises(openai.NotFoundError):
            client().models.retrieve("no-such-model")


class Chat(unittest.TestCase):
    def test_unary(self):
        reply = ask("Say hello.", temperature=0)
        self.assertTrue(reply.id.startswith("chatcmpl-"))
        self.assertEqual(reply.object, "chat.completion")
        self.assertEqual(reply.model, CHAT)
        self.assertEqual(reply.choices[0].message.role, "assistant")
        self.assertTrue(reply.choices[0].message.content)
        self.assertIn(reply.choices[0].finish_reason, ("stop", "length"))
        self.assertGreater(reply.usage.prompt_tokens, 0)
        self.assertEqual(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens)

    def test_stream_with_usage(self):
        chunks = list(ask("Say hello.", temperature=0, stream=True, stream_options={"include_usage": True}))
        self.assertEqual(chunks[0].choices[0].delta.role, "assistant")
        self.assertEqual(chunks[-1].choices, [])
        self.assertGreater(chunks[-1].usage.completion_tokens, 0)
        self.assertTrue(all(chunk.usage is None for chunk in chunks[:-1]))
        ends = [chunk.choices[0].finish_reason for chunk in chunks[:-1] if chunk.choices[0].finish_reason]
        self.assertEqual(len(ends), 1)
        self.assertTrue("".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]))

    def test_stream_without_usage(self):
        chunks = list(ask("Say hello.", stream=True))
        self.assertTrue(all(chunk.choices and chunk.usage is None for chunk in chunks))

    def test_stream_and_unary_say_the_same(self):
        whole = ask("Count to five.", temperature=0, seed=7).choices[0].message.content
        pieces = ask("Count to five.", temperature=0, seed=7, stream=True)
        self.assertEqual("".join(chunk.choices[0].delta.content or "" for chunk in pieces), whole)

    def test_stream_that_is_left_early(self):
        stream = ask("Count to one hundred.", stream=True)
        next(iter(stream))
        stream.close()
        self.assertTrue(ask("Say hello.").choices[0].message.content)

    def test_parts_and_system_message(self):
        messages = [
            {"role": "system", "content": "You are brief."},
            {"role": "user", "content": [{"type": "text", "text": "Say hello."}]},
        ]
        reply = client().chat.completions.create(model=CHAT, messages=messages, max_completion_tokens=16, stop=["\n\n"])
        self.assertIsNotNone(reply.choices[0].message.content)


class Errors(unittest.TestCase):
    def test_wrong_key(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            client("sk-wrong").models.list()
        self.assertEqual(caught.exception.code, "invalid_api_key")

    def test_unknown_model(self):
        with self.assertRaises(openai.NotFoundError) as caught:
            client().chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "Hi"}])
        self.assertEqual(caught.exception.code, "model_not_found")

    def test_invalid_request_names_the_field(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            client().chat.completions.create(model=CHAT, messages=[{"role": "user", "content": 5}])
        self.assertEqual(caught.exception.param, "messages[0].content")
        with self.assertRaises(openai.BadRequestError) as caught:
            ask("Hi", temperature=3)
        self.assertEqual(caught.exception.param, "temperature")
        with self.assertRaises(openai.BadRequestError) as caught:
            ask("Hi", n=2)
        self.assertEqual(caught.exception.param, "n")

    def test_context_length(self):
        for stream in (False, True):
            with self.assertRaises(openai.BadRequestError) as caught:
                ask("word " * 200_000, stream=stream)
            self.assertEqual(caught.exception.code, "context_length_exceeded")


class Embeddings(unittest.TestCase):
    def test_float_and_base64(self):
        texts = ["pump", "泵"]
        numbers = client().embeddings.create(model=EMBED, input=texts, encoding_format="float")
        packed = client().embeddings.create(model=EMBED, input=texts)
        self.assertEqual([item.index for item in packed.data], [0, 1])
        for one, other in zip(numbers.data, packed.data):
            self.assertEqual(len(one.embedding), len(other.embedding))
            self.assertTrue(all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding)))
            self.assertAlmostEqual(sum(value * value for value in one.embedding), 1.0, places=3)
        self.assertGreater(packed.usage.prompt_tokens, 0)

    def test_errors(self):
        with self.assertRaises(openai.BadRequestError):
            client().embeddings.create(model=EMBED, input="pump", dimensions=3)
        with self.assertRaises(openai.BadRequestError):
            client().embeddings.create(model=EMBED, input=[1, 2, 3])
        with self.assertRaises(openai.NotFoundError):
            client().embeddings.create(model="no-such-model", input="pump")


class KnowledgeBase(unittest.TestCase):
    def setUp(self):
        self.client = client()
        self.name = "sdk-" + uuid.uuid4().hex[:12]
        self.store = self.client.vector_stores.create(name=self.name)
        self.addCleanup(self.remove)
        self.files = []

    def remove(self):
        for file in self.files:
            self.client.files.delete(file)
        self.client.vector_stores.delete(self.store.id)

    def upload(self, name, text=TEXT):
        file = self.client.files.create(file=(name, text.encode()), purpose="assistants")
        self.files.append(file.id)
        return file

    def test_files(self):
        file = self.upload("手册 pump.md")
        self.assertEqual((file.filename, file.bytes), ("手册 pump.md", len(TEXT.encode())))
        self.assertEqual(self.client.files.retrieve(file.id).filename, "手册 pump.md")
        self.assertEqual(self.client.files.content(file.id).read(), TEXT.encode())
        second = self.upload("second.md")
        listed = [one.id for one in self.client.files.list(limit=1)][:2]
        self.assertEqual(listed, [second.id, file.id])
        deleted = self.client.files.delete(second.id)
        self.files.remove(second.id)
        self.assertTrue(deleted.deleted)
        with self.assertRaises(openai.NotFoundError):
            self.client.files.retrieve(second.id)

    def test_store_lifecycle(self):
        self.assertEqual(self.client.vector_stores.retrieve(self.store.id).name, self.name)
        self.assertIn(self.store.id, [store.id for store in self.client.vector_stores.list(limit=1)])
        renamed = self.client.vector_stores.update(self.store.id, name=self.name + "-2")
        self.assertEqual(renamed.name, self.name + "-2")
        with self.assertRaises(openai.ConflictError):
            self.client.vector_stores.create(name=self.name + "-2")

    def test_upload_search_and_delete(self):
        files = self.client.vector_stores.files
        attached = files.upload_and_poll(vector_store_id=self.store.id, file=("pump.md", TEXT.encode()))
        self.files.append(attached.id)
        self.assertEqual(attached.status, "completed", attached.last_error)
        store = self.client.vector_stores.retrieve(self.store.id)
        self.assertEqual((store.file_counts.completed, store.status), (1, "completed"))
        self.assertEqual([file.id for file in files.list(self.store.id)], [attached.id])

        found = list(self.client.vector_stores.search(self.store.id, query=QUESTION, max_num_results=3))
        self.assertEqual(found[0].file_id, attached.id)
        self.assertEqual(found[0].filename, "pump.md")
        self.assertIn("P-4711", found[0].content[0].text)

        files.update(attached.id, vector_store_id=self.store.id, attributes={"area": "north"})
        self.assertEqual(files.retrieve(attached.id, vector_store_id=self.store.id).attributes, {"area": "north"})
        for area, count in (("north", 1), ("south", 0)):
            condition = {"type": "eq", "key": "area", "value": area}
            page = self.client.vector_stores.search(self.store.id, query=QUESTION, filters=condition)
            self.assertEqual(min(len(page.data), 1), count)

        files.delete(attached.id, vector_store_id=self.store.id)
        self.assertEqual(self.client.vector_stores.search(self.store.id, query=QUESTION).data, [])
        with self.assertRaises(openai.NotFoundError):
            files.retrieve(attached.id, vector_store_id=self.store.id)

    def test_batch(self):
        files = [self.upload(f"part-{number}.md", f"Valve V-{number} is red.\n").id for number in range(3)]
        batch = self.client.vector_stores.file_batches.create_and_poll(self.store.id, file_ids=files)
        self.assertEqual(batch.file_counts.completed, 3)

    def test_unreadable_file_fails_with_a_reason(self):
        attached = self.client.vector_stores.files.upload_and_poll(
            vector_store_id=self.store.id, file=("broken.pdf", b"\xff\xfe\x00\x01 not a PDF \xff")
        )
        self.files.append(attached.id)
        self.assertEqual(attached.status, "failed")
        self.assertTrue(attached.last_error.message)

    def test_answer_with_annotations(self):
        attached = self.client.vector_stores.files.upload_and_poll(
            vector_store_id=self.store.id, file=("pump.md", TEXT.encode())
        )
        self.files.append(attached.id)
        messages = [{"role": "user", "content": QUESTION}]
        reply = self.client.chat.completions.create(model=self.name, messages=messages, temperature=0)
        whole = [annotation.model_dump() for annotation in reply.choices[0].message.annotations or []]
        self.check_annotations(whole, attached.id)

        chunks = list(
            self.client.chat.completions.create(model=self.name, messages=messages, temperature=0, stream=True)
        )
        last = next(chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
        streamed = (last.choices[0].delta.model_extra or {}).get("annotations") or []
        self.check_annotations(streamed, attached.id)

    def check_annotations(self, annotations, file):
        if MUST_CITE:
            self.assertTrue(annotations)
        for annotation in annotations:
            self.assertEqual(annotation["type"], "file_citation")
            self.assertEqual((annotation["file_id"], annotation["filename"]), (file, "pump.md"))
            self.assertGreaterEqual(annotation["index"], 1)
            self.assertTrue(annotation["quote"])
            self.assertIn("page", annotation)
            self.assertTrue(all(len(box) == 4 for box in annotation["boxes"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
