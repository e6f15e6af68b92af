/** The blocks of a server-sent event stream as they arrive: an event's data, or null for a comment. */
export async function* readBlocks(body: ReadableStream<Uint8Array>): AsyncGenerator<string | null> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let unread = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (unread + decoder.decode(value, { stream: true })).split("\n\n");
      unread = blocks.pop() ?? "";
      for (const block of blocks) yield dataOf(block);
    }
  } finally {
    // Whoever stops in the middle wants no more of it; a stream that failed has nothing left to cancel.
    await reader.cancel().catch(() => {});
  }
}

function dataOf(block: string): string | null {
  const lines = block.split("\n").filter((line) => line.startsWith("data:"));
  return lines.length > 0 ? lines.map((line) => line.slice("data:".length).trimStart()).join("\n") : null;
}
