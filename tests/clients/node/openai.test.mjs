// The official Node client against a running server. See ../README.md for the environment.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import OpenAI, { toFile } from "openai";

const { YIZHAN_URL, YIZHAN_KEY, YIZHAN_CHAT_MODEL: CHAT, YIZHAN_EMBED_MODEL: EMBED } = process.env;
const mustCite = process.env.YIZHAN_ANNOTATIONS !== "optional";

const connect = (apiKey = YIZHAN_KEY) =>
  new OpenAI({ baseURL: `${YIZHAN_URL.replace(/\/+$/, "")}/v1`, apiKey, maxRetries: 0, timeout: 300_000 });
const client = connect();

const TEXT = "# Pump P-4711\n\nThe pump P-4711 must be serviced every 90 days.\n泵 P-4711 的密封圈每 180 天更换一次。\n";
const QUESTION = "How often must the pump P-4711 be serviced?";
const ask = (content, more = {}) =>
  client.chat.completions.create({ model: CHAT, messages: [{ role: "user", content }], max_tokens: 32, ...more });

const collect = async (items) => {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
};

test("models are listed", async () => {
  const names = (await collect(client.models.list())).map((model) => model.id);
  assert.ok(names.includes(CHAT) && names.includes(EMBED));
});

test("a chat answers whole", async () => {
  const reply = await ask("Say hello.", { temperature: 0 });
  assert.equal(reply.object, "chat.completion");
  assert.ok(reply.choices[0].message.content.length > 0);
  assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
});

test("a chat streams, with usage in the last chunk", async () => {
  const chunks = await collect(await ask("Say hello.", { stream: true, stream_options: { include_usage: true } }));
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.ok(chunks.at(-1).usage.completion_tokens > 0);
  assert.equal(chunks.filter((chunk) => chunk.choices[0]?.finish_reason).length, 1);
});

test("the stream helper puts the answer together", async () => {
  const runner = client.chat.completions.stream({
    model: CHAT,
    messages: [{ role: "user", content: "Say hello." }],
    max_tokens: 32,
  });
  const final = await runner.finalChatCompletion();
  assert.ok(final.choices[0].message.content.length > 0);
});

test("a stream can be left early", async () => {
  const stream = await ask("Count to one hundred.", { stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }
  assert.ok((await ask("Say hello.")).choices[0].message.content);
});

test("errors are of the right class", async () => {
  await assert.rejects(connect("sk-wrong").models.list(), (error) => {
    return error instanceof OpenAI.AuthenticationError && error.code === "invalid_api_key";
  });
  await assert.rejects(ask("Hi", { model: "no-such-model" }), (error) => {
    return error instanceof OpenAI.NotFoundError && error.code === "model_not_found";
  });
  await assert.rejects(ask(5), (error) => {
    return error instanceof OpenAI.BadRequestError && error.param === "messages[0].content";
  });
  await assert.rejects(ask("word ".repeat(200_000)), (error) => {
    return error instanceof OpenAI.BadRequestError && error.code === "context_length_exceeded";
  });
});

test("embeddings come as numbers and as base64", async () => {
  const input = ["pump", "泵"];
  const numbers = await client.embeddings.create({ model: EMBED, input, encoding_format: "float" });
  const packed = await client.embeddings.create({ model: EMBED, input });
  numbers.data.forEach((item, index) => {
    const other = packed.data[index].embedding;
    assert.equal(item.embedding.length, other.length);
    item.embedding.forEach((value, at) => assert.ok(Math.abs(value - other[at]) < 1e-6));
  });
});

describe("a knowledge base", () => {
  const name = `sdk-${randomUUID().slice(0, 8)}`;
  let store;
  let file;

  before(async () => {
    store = await client.vectorStores.create({ name });
    const upload = await toFile(Buffer.from(TEXT), "手册 pump.md");
    file = await client.vectorStores.files.uploadAndPoll(store.id, upload);
  });

  after(async () => {
    await client.files.delete(file.id);
    await client.vectorStores.delete(store.id);
  });

  test("reads the file", async () => {
    assert.equal(file.status, "completed", file.last_error?.message);
    const kept = await client.files.retrieve(file.id);
    assert.equal(kept.filename, "手册 pump.md");
    assert.equal(await (await client.files.content(file.id)).text(), TEXT);
    assert.equal((await client.vectorStores.retrieve(store.id)).file_counts.completed, 1);
  });

  test("finds passages", async () => {
    const found = await collect(client.vectorStores.search(store.id, { query: QUESTION }));
    assert.equal(found[0].file_id, file.id);
    assert.match(found[0].content[0].text, /P-4711/);
  });

  test("answers with annotations, whole and in a stream", async () => {
    const request = { model: name, messages: [{ role: "user", content: QUESTION }], temperature: 0 };
    const reply = await client.chat.completions.create(request);
    const chunks = await collect(await client.chat.completions.create({ ...request, stream: true }));
    const last = chunks.find((chunk) => chunk.choices[0]?.finish_reason);
    for (const annotations of [reply.choices[0].message.annotations, last.choices[0].delta.annotations ?? []]) {
      assert.ok(annotations.length > 0 || !mustCite);
      for (const annotation of annotations) {
        assert.equal(annotation.type, "file_citation");
        assert.equal(annotation.file_id, file.id);
        assert.ok(annotation.quote.length > 0 && annotation.index >= 1);
      }
    }
  });

  test("forgets what is deleted", async () => {
    const upload = await toFile(Buffer.from("Valve V-1 is red.\n"), "valve.txt");
    const other = await client.files.create({ file: upload, purpose: "assistants" });
    await client.vectorStores.files.createAndPoll(store.id, { file_id: other.id });
    await client.vectorStores.files.delete(other.id, { vector_store_id: store.id });
    await assert.rejects(
      client.vectorStores.files.retrieve(other.id, { vector_store_id: store.id }),
      OpenAI.NotFoundError,
    );
    await client.files.delete(other.id);
    await assert.rejects(client.files.retrieve(other.id), OpenAI.NotFoundError);
  });
});
