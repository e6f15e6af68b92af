import type { ChatEvent, OutgoingMessage } from "./timeline";

/** A language model may think for a while; past this, in milliseconds, the customer gets a retry button. */
const PATIENCE = 90_000;

/** A conversation's id and the signed token that lets this browser speak in it. */
export interface Ticket {
  readonly conversation: string;
  readonly token: string;
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

  begin(assistant: string): Promise<Ticket & { events: ChatEvent[] }> {
    return this.#ask("/api/conversations", post({ assistant }));
  }

  /** The events after an offset, or all of them. */
  events({ conversation, token }: Ticket, after: number | null): Promise<{ events: ChatEvent[] }> {
    const query = after === null ? "" : `?after=${after}`;
    return this.#ask(`/api/conversations/${encodeURIComponent(conversation)}/events${query}`, bearer(token));
  }

  /** Sends one message and waits for the turn; sending the same message again returns the same events. */
  send({ conversation, token }: Ticket, message: OutgoingMessage): Promise<{ events: ChatEvent[] }> {
    const body = { client_message_id: message.clientMessageId, text: message.text };
    const path = `/api/conversations/${encodeURIComponent(conversation)}/messages`;
    return this.#ask(path, post(body, bearer(token).headers));
  }

  async #ask<T>(path: string, request: RequestInit): Promise<T> {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(this.#origin + path, { ...request, signal, credentials: "omit" }).catch(() => {
      throw new ChatProblem("unreachable");
    });
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) throw problemOf(response, body);
    if (body === null) throw new ChatProblem("broken");
    return body as T;
  }
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
