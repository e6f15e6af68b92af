import { ChatProblem, type ChatServer, type Ticket } from "./server";
import type { ChatEvent } from "./timeline";

/** Milliseconds between two tries: doubled after each that fails, from the first to the last of these. */
export const PAUSES = { first: 1_000, longest: 30_000 };

/** The conversation that is followed, as its page shows it. */
export interface Followed {
  readonly ticket: Ticket;
  /** The offset of the newest event that is shown. */
  last(): number | null;
  take(events: readonly ChatEvent[]): void;
}

/**
 * Shows what happens in a conversation as it happens, until `signal` is aborted or the server has forgotten it.
 *
 * A stream that breaks is opened again from the last event on; where none can be had, the events are asked for.
 */
export async function follow(server: ChatServer, followed: Followed, signal: AbortSignal): Promise<void> {
  let pause = PAUSES.first;
  const take = (events: readonly ChatEvent[]): void => {
    if (signal.aborted) return;
    pause = PAUSES.first;
    if (events.length > 0) followed.take(events);
  };
  while (!signal.aborted) {
    const ended = await attempt(async () => {
      for await (const events of server.stream(followed.ticket, followed.last(), signal)) take(events);
    });
    if (ended?.kind === "gone" || signal.aborted) return;
    if (ended) {
      const refused = await attempt(async () => take((await server.events(followed.ticket, followed.last())).events));
      if (refused?.kind === "gone") return;
    }
    await sleep(pause * (0.5 + Math.random()), signal);
    pause = Math.min(pause * 2, PAUSES.longest);
  }
}

/** What went wrong, or null. */
async function attempt(action: () => Promise<void>): Promise<ChatProblem | null> {
  try {
    await action();
    return null;
  } catch (error) {
    if (error instanceof ChatProblem) return error;
    throw error;
  }
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((wake) => {
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), wake()), { once: true });
  });
}
