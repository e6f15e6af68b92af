import { expect, test } from "vitest";
import { readBlocks } from "../src/widget/sse";

const bytes = new TextEncoder().encode(
  'retry: 2000\n\nid: 0\nevent: message\ndata: {"text": "您好 😀"}\n\n: still here\n\ndata:one\ndata: two\n\ndata: cut',
);
const blocks = [null, '{"text": "您好 😀"}', null, "one\ntwo"];

function streamOf(...pieces: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

async function readAll(body: ReadableStream<Uint8Array>): Promise<(string | null)[]> {
  const found = [];
  for await (const block of readBlocks(body)) found.push(block);
  return found;
}

test("wherever a network cuts the bytes, the whole blocks are read, and none that was cut off", async () => {
  for (let cut = 0; cut <= bytes.length; cut++) {
    expect(await readAll(streamOf(bytes.slice(0, cut), bytes.slice(cut)))).toEqual(blocks);
  }
  expect(await readAll(streamOf(...[...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(blocks);
});

test("who stops reading ends the stream", async () => {
  let ended = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    cancel: () => void (ended = true),
  });
  for await (const _ of readBlocks(body)) break;
  expect(ended).toBe(true);
});
