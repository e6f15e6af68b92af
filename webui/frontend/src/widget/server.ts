import { readBlocks } from "./sse";
import type { ChatEvent, OutgoingMessage } from "./timeline";

/** A language model may think for a while; past this, in milliseconds, the customer gets a retry button. */
const PATIENCE = 90_000;
/** Milliseconds until a stream must have begun, which a proxy that collects answers prevents. */
const OPENING = 10_000;
/** A stream that was silent for so many milliseconds is dead: a living one says so four times a minute. */
const SILENCE = 60_000;

/** A conversation's id and the signed token that lets this browser speak in it. */
export interface Ticket {
  readonly conversation: string;
  readonly token: string;
}

/** Who speaks with whom: a published assistant, and the shop's own name for the customer where its page gives one. */
export interface Parties {
  readonly assistant: string;
  readonly customer?: string | undefined;
}

export type ProblemKind =
  | "unreachable" // no answer at all
  | "gone" // the server no longer knows this conversation
  | "busy" // too many messages; `seconds` says how long to wait, where the server says so
  | "refused" // this very message cannot be taken; `message` is the server's reason
  | "broken"; // the server failed

/** Why the server did not do what was asked. */
export class ChatProblem extends Error {
  constructor(
    readonly kind: ProblemKind,
    message = "",
    readonly seconds: number | null = null,
  ) {
    super(message);
  }
}

/** The chat API of one server; every method throws ChatProblem and nothing else. */
export class ChatServer {
  readonly #origin: string;

  constructor(origin: string) {
    this.#origin = origin;
  }

  begin(parties: Parties): Promise<Ticket & { events: ChatEvent[] }> {
    return this.#ask("/api/v1/conversations", post(parties));
  }

  /** The events after an offset, or all of them. */
  events({ conversation, token }: Ticket, after: number | null): Promise<{ events: ChatEvent[] }> {
    return this.#ask(pathOf(conversation, "events", after), bearer(token));
  }

  /**
   * The events after an offset and those to come, until the server ends the stream or `signal` is aborted; an
   * empty list says that the stream is alive.
   */
  async *stream({ conversation, token }: Ticket, after: number | null, signal: AbortSignal): AsyncGenerator<ChatEvent[]> {
    const given = new AbortController();
    const giveUp = (): void => given.abort();
    signal.addEventListener("abort", giveUp);
    let patience = setTimeout(giveUp, OPENING);
    try {
      const request = { ...bearer(token), signal: given.signal, credentials: "omit" } as const;
      const response = await fetch(this.#origin + pathOf(conversation, "stream", after), request);
      if (!response.ok) throw problemOf(response, await response.json());
      if (!response.body) throw new ChatProblem("broken");
      for await (const data of readBlocks(response.body)) {
        clearTimeout(patience);
        patience = setTimeout(giveUp, SILENCE);
        yield data === null ? [] : [JSON.parse(data) as ChatEvent];
      }
    } catch (error) {
      throw error instanceof ChatProblem ? error : new ChatProblem("unreachable");
    } finally {
      clearTimeout(patience);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Sends one message and waits for the turn; sending the same message again returns the same events. */
  send({ conversation, token }: Ticket, message: OutgoingMessage): Promise<{ events: ChatEvent[] }> {
    const { clientMessageId, text, choice, attachments } = message;
    const body = { client_message_id: clientMessageId, text, choice, attachments };
    return this.#ask(pathOf(conversation, "messages"), post(body, bearer(token).headers));
  }

  /** Keeps a photo for a message that names it. */
  async upload({ conversation, token }: Ticket, photo: Blob): Promise<string> {
    const request = { ...bearer(token), method: "POST", body: photo };
    const { attachment } = await this.#ask<{ attachment: string }>(pathOf(conversation, "attachments"), request);
    return attachment;
  }

  async photo({ conversation, token }: Ticket, id: string): Promise<Blob> {
    const response = await this.#fetch(pathOf(conversation, `attachments/${encodeURIComponent(id)}`), bearer(token));
    if (!response.ok) throw problemOf(response, null);
    return response.blob().catch(() => {
      throw new ChatProblem("unreachable");
    });
  }

  async #ask<T>(path: string, request: RequestInit): Promise<T> {
    const response = await this.#fetch(path, request);
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) throw problemOf(response, body);
    if (body === null) throw new ChatProblem("broken");
    return body as T;
  }

  #fetch(path: string, request: RequestInit): Promise<Response> {
    const signal = AbortSignal.timeout(PATIENCE);
    return fetch(this.#origin + path, { ...request, signal, credentials: "omit" }).catch(() => {
      throw new ChatProblem("unreachable");
    });
  }
}

function pathOf(conversation: string, part: string, after: number | null = null): string {
  const query = after === null ? "" : `?after=${after}`;
  return `/api/v1/conversations/${encodeURIComponent(conversation)}/${part}${query}`;
}

function bearer(token: string) {
  return { headers: { Authorization: `Bearer ${token}` } };
}

function post(body: object, headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
}

function problemOf(response: Response, body: unknown): ChatProblem {
  const message = (body as { message?: unknown } | null)?.message;
  const reason = typeof message === "string" ? message : "";
  switch (response.status) {
    case 401:
    case 404:
      return new ChatProblem("gone", reason);
    case 429:
      return new ChatProblem("busy", reason, Number(response.headers.get("Retry-After")) || null);
    default:
      return new ChatProblem(response.status < 500 ? "refused" : "broken", reason);
  }
}
