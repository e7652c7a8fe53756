// Anthropic's official Node client against a running server. See ../README.md for the environment.

import assert from "node:assert/strict";
import { test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";

const { YIZHAN_URL, YIZHAN_KEY, YIZHAN_CHAT_MODEL: CHAT } = process.env;
const connect = (apiKey = YIZHAN_KEY) =>
  new Anthropic({ baseURL: YIZHAN_URL.replace(/\/+$/, ""), apiKey, maxRetries: 0, timeout: 300_000 });
const hello = { model: CHAT, max_tokens: 16, messages: [{ role: "user", content: "Say hello." }] };

test("a message, whole", async () => {
  const message = await connect().messages.create(hello);
  assert.equal(message.type, "message");
  assert.ok(message.content[0].text.length > 0 && message.usage.output_tokens > 0);
});

test("a message, streamed, adds up to its final form", async () => {
  const stream = connect().messages.stream(hello);
  let text = "";
  stream.on("text", (delta) => (text += delta));
  const message = await stream.finalMessage();
  assert.equal(message.content[0].text, text);
});

test("tokens are counted", async () => {
  const { model, messages } = hello;
  assert.ok((await connect().messages.countTokens({ model, messages })).input_tokens > 3);
});

test("errors have Anthropic's classes", async () => {
  await assert.rejects(connect("sk-wrong").messages.create(hello), Anthropic.AuthenticationError);
  await assert.rejects(connect().messages.create({ ...hello, model: "nobody" }), Anthropic.NotFoundError);
});
