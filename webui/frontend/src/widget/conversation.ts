import { follow } from "./follow";
import type { Kept } from "./kept";
import { newMessageId } from "./message-id";
import { ChatProblem, type ChatServer, type Parties, type Ticket } from "./server";
import {
  type ChatEvent,
  type Choice,
  type OutgoingMessage,
  countUnread,
  isHandedOff,
  lastOffset,
  mergeEvents,
  offered,
  unconfirmed,
} from "./timeline";

export type Phase = "idle" | "restoring" | "waiting" | "failed";

/** What outlives a reload: the ticket and the last seen offset for every tab, the outbox for this one. */
export interface ConversationMemory {
  readonly ticket: Kept<Ticket | null>;
  readonly seen: Kept<number>;
  readonly outbox: Kept<readonly OutgoingMessage[]>;
}

/**
 * The customer's side of one conversation with an assistant.
 *
 * Messages wait in an outbox until the server's events confirm them, so a lost connection or a reload in the
 * middle of a turn loses nothing, and sending one again can double nothing.
 */
export class Conversation {
  events: readonly ChatEvent[] = [];
  phase: Phase = "idle";
  problem: ChatProblem | null = null;
  /** True where the server has forgotten the conversation that this page showed. */
  replaced = false;

  readonly #server: ChatServer;
  readonly #parties: Parties;
  readonly #memory: ConversationMemory;
  readonly #changed: () => void;
  #upToDate = false;
  #isWatched = false;
  #following: AbortController | null = null;
  // Replaced when the customer starts anew: answers that belong to an older life are dropped.
  #life = {};

  constructor(server: ChatServer, parties: Parties, memory: ConversationMemory, changed: () => void) {
    this.#server = server;
    this.#parties = parties;
    this.#memory = memory;
    this.#changed = changed;
  }

  get outbox(): readonly OutgoingMessage[] {
    return this.#memory.outbox.value;
  }

  get isEmpty(): boolean {
    return this.events.length === 0 && this.outbox.length === 0;
  }

  get isHandedOff(): boolean {
    return isHandedOff(this.events);
  }

  /** The buttons that may be pressed now. */
  get choices(): readonly Choice[] {
    return this.outbox.length === 0 ? offered(this.events) : [];
  }

  get unread(): number {
    return countUnread(this.events, this.#memory.seen.value);
  }

  markSeen(): void {
    const newest = lastOffset(this.events);
    if (newest !== null && newest > this.#memory.seen.value) this.#memory.seen.value = newest;
  }

  /** Fetches what this page does not show yet and sends what an earlier page could not. */
  async refresh(): Promise<void> {
    this.#upToDate = false;
    await this.#advance();
  }

  /** Shows what happens as it happens, from the first message on. */
  watch(): void {
    this.#isWatched = true;
    this.#follow();
  }

  /** Holds no connection open while nobody looks: browsers allow few to one server, for all its pages together. */
  rest(): void {
    this.#isWatched = false;
    this.#stopFollowing();
  }

  async send(text: string, more: Pick<OutgoingMessage, "choice" | "attachments"> = {}): Promise<void> {
    this.#memory.outbox.value = [...this.outbox, { clientMessageId: newMessageId(), text, ...more }];
    await this.#advance();
  }

  async choose({ label, payload }: Choice): Promise<void> {
    await this.send(label, { choice: payload });
  }

  /** Uploads a photo and then says so; one that could not be uploaded is not kept: the customer picks it again. */
  async sendPhoto(photo: Blob, text: string): Promise<void> {
    const life = this.#life;
    let attachment: string;
    try {
      attachment = await this.#upload(photo, life);
    } catch (error) {
      return this.#fail(error, life);
    }
    if (life === this.#life) await this.send(text, { attachments: [attachment] });
  }

  photo(id: string): Promise<Blob> {
    const ticket = this.#memory.ticket.value;
    return ticket ? this.#server.photo(ticket, id) : Promise.reject(new ChatProblem("gone"));
  }

  /** Goes on where the last attempt failed, under the same message id. */
  async retry(): Promise<void> {
    await this.#advance();
  }

  /** Takes the first unsent message out of the outbox, for the customer to change. */
  takeBack(): string {
    const [first, ...rest] = this.outbox;
    this.#memory.outbox.value = rest;
    this.#enter("idle");
    return first?.text ?? "";
  }

  startAnew(): void {
    this.#life = {};
    this.#forget();
    this.#memory.outbox.value = [];
    this.replaced = false;
    this.#enter("idle");
  }

  async #advance(): Promise<void> {
    if (this.phase === "restoring" || this.phase === "waiting") return;
    const life = this.#life;
    try {
      if (!this.#upToDate) await this.#catchUp(life);
      await this.#emptyOutbox(life);
      if (life === this.#life) this.#enter("idle");
    } catch (error) {
      this.#fail(error, life);
    }
  }

  #fail(error: unknown, life: object): void {
    if (life !== this.#life) return;
    this.#enter("failed", error instanceof ChatProblem ? error : new ChatProblem("broken"));
    if (!(error instanceof ChatProblem)) throw error;
  }

  async #catchUp(life: object): Promise<void> {
    const ticket = this.#memory.ticket.value;
    if (ticket) {
      this.#enter("restoring");
      try {
        const { events } = await this.#server.events(ticket, lastOffset(this.events));
        if (life === this.#life) this.#take(events);
      } catch (error) {
        if (!isGone(error)) throw error;
        if (life !== this.#life) return;
        this.replaced = this.events.length > 0;
        this.#forget();
      }
    }
    if (life !== this.#life) return;
    this.#upToDate = true;
    this.#follow();
  }

  async #emptyOutbox(life: object): Promise<void> {
    for (let next = this.outbox[0]; next && life === this.#life; next = this.outbox[0]) {
      this.#enter("waiting");
      const events = await this.#deliver(next, life).catch((error: unknown): readonly ChatEvent[] => {
        // The stream has brought what the lost answer held.
        if (error instanceof ChatProblem && !this.outbox.includes(next)) return [];
        throw error;
      });
      if (life !== this.#life) return;
      this.#take(events);
      // The answer to this very request confirms the message, whatever its events are.
      this.#memory.outbox.value = this.outbox.filter((message) => message !== next);
    }
  }

  async #deliver(message: OutgoingMessage, life: object): Promise<readonly ChatEvent[]> {
    const ticket = this.#memory.ticket.value;
    if (ticket) {
      try {
        return (await this.#server.send(ticket, message)).events;
      } catch (error) {
        if (!isGone(error)) throw error;
        if (life !== this.#life) return [];
        this.#forget();
        this.replaced = true;
      }
    }
    const begun = await this.#begin(life);
    return begun ? (await this.#server.send(begun, message)).events : [];
  }

  async #upload(photo: Blob, life: object): Promise<string> {
    const ticket = this.#memory.ticket.value;
    if (ticket) {
      try {
        return await this.#server.upload(ticket, photo);
      } catch (error) {
        if (!isGone(error) || life !== this.#life) throw error;
        this.#forget();
        this.replaced = true;
      }
    }
    const begun = await this.#begin(life);
    return begun ? this.#server.upload(begun, photo) : "";
  }

  /** The ticket of a new conversation, or null where the customer began anew meanwhile. */
  async #begin(life: object): Promise<Ticket | null> {
    const { conversation, token, events } = await this.#server.begin(this.#parties).catch((error: unknown) => {
      // Here "gone" speaks of the assistant itself, and beginning once more would not help.
      throw isGone(error) ? new ChatProblem("refused", error.message) : error;
    });
    if (life !== this.#life) return null;
    this.#memory.ticket.value = { conversation, token };
    this.#take(events);
    this.#follow();
    return { conversation, token };
  }

  #follow(): void {
    const ticket = this.#memory.ticket.value;
    if (!this.#isWatched || !ticket || this.#following) return;
    const following = (this.#following = new AbortController());
    const followed = {
      ticket,
      last: () => lastOffset(this.events),
      take: (events: readonly ChatEvent[]) => this.#hear(events),
    };
    void follow(this.#server, followed, following.signal).finally(() => {
      if (this.#following === following) this.#following = null;
    });
  }

  #stopFollowing(): void {
    this.#following?.abort();
    this.#following = null;
  }

  #hear(events: readonly ChatEvent[]): void {
    const unsent = this.outbox.length;
    this.#take(events);
    // What could not be sent has arrived after all: there is nothing left to try again.
    const isSettled = this.phase === "failed" && unsent > 0 && this.outbox.length === 0;
    if (isSettled) this.#enter("idle");
    else this.#changed();
  }

  #take(events: readonly ChatEvent[]): void {
    this.events = mergeEvents(this.events, events);
    this.#memory.outbox.value = unconfirmed(this.outbox, this.events);
  }

  #forget(): void {
    this.#stopFollowing();
    this.events = [];
    this.#memory.ticket.value = null;
    this.#memory.seen.value = -1;
  }

  #enter(phase: Phase, problem: ChatProblem | null = null): void {
    this.phase = phase;
    this.problem = problem;
    this.#changed();
  }
}

function isGone(error: unknown): error is ChatProblem {
  return error instanceof ChatProblem && error.kind === "gone";
}
