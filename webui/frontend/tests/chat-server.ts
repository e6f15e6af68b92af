import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ChatEvent } from "../src/widget/timeline";

interface Sent {
  readonly client_message_id: string;
  readonly text: string;
  readonly choice?: string;
  readonly attachments?: readonly string[];
}

const NOTHING_MORE = { choices: [], attachments: [] } as const;

/** A chat server that keeps the API's promises in memory and answers each message with an echo, a question with two choices too. */
export class EchoServer {
  readonly received: Sent[] = [];
  /** What befalls the next requests for a message, in order: a status to refuse with, or the answer lost on its way. */
  readonly mishaps: (number | "lost answer")[] = [];
  /** Whether event streams are refused, as by a server that has too many. */
  refusesStreams = false;
  /** The offset after which each stream was asked for. */
  readonly streamed: number[] = [];
  readonly photos: string[] = [];
  readonly #streams = new Map<ServerResponse, { events: ChatEvent[]; next: number }>();
  readonly #conversations = new Map<string, ChatEvent[]>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((ready) => this.#server.listen(0, "127.0.0.1", ready));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  forgetConversations(): void {
    this.#conversations.clear();
  }

  /** Something that the customer did not ask for, as a service agent says it. */
  say(text: string): void {
    for (const events of this.#conversations.values()) {
      const said = { kind: "message", node: null, handoff: true, at: "2024-05-01T10:00:00Z", ...NOTHING_MORE } as const;
      events.push({ ...said, offset: events.length, speaker: "agent", text, client_message_id: null });
    }
    this.#feed();
  }

  endStreams(): void {
    for (const stream of this.#streams.keys()) stream.end();
    this.#streams.clear();
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  #feed(): void {
    for (const [stream, reader] of this.#streams) {
      for (const event of reader.events.slice(reader.next)) write(stream, event);
      reader.next = reader.events.length;
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
    const [, , , , id = "", part, photo] = pathname.split("/");
    const reply = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (!id) {
      const conversation = `c${this.#conversations.size}`;
      this.#conversations.set(conversation, []);
      return void reply(201, { conversation, token: `token of ${conversation}`, events: [] });
    }
    const events = this.#conversations.get(id);
    const isKnown = request.headers.authorization === `Bearer token of ${id}`;
    if (!events || !isKnown) return void reply(401, { message: "No." });
    const after = Number(searchParams.get("after") ?? -1);
    if (part === "stream" && this.refusesStreams) return void reply(503, { message: "Too many." });
    if (part === "stream") {
      this.streamed.push(after);
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write("retry: 2000\n\n");
      this.#streams.set(response, { events, next: after + 1 });
      response.on("close", () => this.#streams.delete(response));
      return this.#feed();
    }
    if (part === "events") {
      return void reply(200, { events: events.filter((event) => event.offset > after) });
    }
    if (part === "attachments" && request.method === "GET") {
      return void response.writeHead(200, { "Content-Type": "image/jpeg" }).end(this.photos[Number(photo)]);
    }
    if (part === "attachments") {
      const body = await bodyOf(request);
      if (!body.startsWith("photo")) return void reply(415, { message: "No photo." });
      return void reply(201, { attachment: String(this.photos.push(body) - 1) });
    }
    const message = JSON.parse(await bodyOf(request)) as Sent;
    this.received.push(message);
    const mishap = this.mishaps.shift();
    if (typeof mishap === "number") return void reply(mishap, { message: `Refused with ${mishap}.` });
    const turn = take(events, message);
    this.#feed();
    if (mishap === "lost answer") return void response.destroy();
    reply(200, { events: turn });
  }
}

/** In two pieces, as a network may cut them. */
function write(stream: ServerResponse, event: ChatEvent): void {
  const block = `id: ${event.offset}\nevent: message\ndata: ${JSON.stringify(event)}\n\n`;
  stream.write(block.slice(0, 20));
  stream.write(block.slice(20));
}

/** The events of a message's turn, which happens once however often the message comes. */
function take(events: ChatEvent[], { client_message_id, text, attachments = [] }: Sent): ChatEvent[] {
  const at = events.findIndex((event) => event.client_message_id === client_message_id);
  if (at >= 0) return events.slice(at, at + 2);
  const offset = events.length;
  const base = { kind: "message", node: null, handoff: false, at: "2024-05-01T10:00:00Z", ...NOTHING_MORE } as const;
  const said: ChatEvent = { ...base, offset, speaker: "user", text, client_message_id, attachments };
  const choices = text.endsWith("?") ? ["yes", "no"].map((label) => ({ label, payload: `${offset} ${label}` })) : [];
  const reply = { speaker: "agent", text: `echo ${text}`, client_message_id: null, choices } as const;
  const echo: ChatEvent = { ...base, ...reply, offset: offset + 1 };
  events.push(said, echo);
  return [said, echo];
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
