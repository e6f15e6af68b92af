/** A button: `payload` is what its press sends. */
export interface Choice {
  readonly label: string;
  readonly payload: string;
}

/** One message of a conversation, as the server keeps it, or a word in between while something takes long. */
export interface ChatEvent {
  readonly offset: number;
  readonly kind: "message" | "waiting";
  readonly speaker: "user" | "agent";
  readonly text: string;
  readonly client_message_id: string | null;
  readonly node: string | null;
  readonly handoff: boolean;
  readonly at: string;
  readonly choices: readonly Choice[];
  /** The ids of the customer's photos. */
  readonly attachments: readonly string[];
}

/** What the customer wrote and the server has not confirmed yet. */
export interface OutgoingMessage {
  readonly clientMessageId: string;
  readonly text: string;
  /** The payload of the button that was pressed. */
  readonly choice?: string;
  readonly attachments?: readonly string[];
}

/** The union of both lists in the order of their offsets; an offset that is known already stays as it was. */
export function mergeEvents(known: readonly ChatEvent[], incoming: readonly ChatEvent[]): readonly ChatEvent[] {
  const byOffset = new Map(known.map((event) => [event.offset, event]));
  for (const event of incoming) {
    if (!byOffset.has(event.offset)) byOffset.set(event.offset, event);
  }
  if (byOffset.size === known.length) return known;
  return [...byOffset.values()].sort((a, b) => a.offset - b.offset);
}

export function isMessage(event: ChatEvent): boolean {
  return event.kind === "message";
}

/** What was said while something takes long, as long as nothing has come of it. */
export function wordInBetween(events: readonly ChatEvent[]): string | null {
  const newest = events.at(-1);
  return newest?.kind === "waiting" ? newest.text : null;
}

/** The outgoing messages that none of the events confirms. */
export function unconfirmed(
  outbox: readonly OutgoingMessage[],
  events: readonly ChatEvent[],
): readonly OutgoingMessage[] {
  const confirmed = new Set(events.map((event) => event.client_message_id));
  return outbox.filter((message) => !confirmed.has(message.clientMessageId));
}

/** The offset of the newest event, or null before the first. */
export function lastOffset(events: readonly ChatEvent[]): number | null {
  return events.at(-1)?.offset ?? null;
}

/** Whether a person has the conversation: the newest thing that our side said tells. */
export function isHandedOff(events: readonly ChatEvent[]): boolean {
  return events.findLast((event) => event.speaker === "agent")?.handoff ?? false;
}

/** The buttons that may be pressed: those of the newest message, until something is said. */
export function offered(events: readonly ChatEvent[]): readonly Choice[] {
  return events.at(-1)?.choices ?? [];
}

export function countUnread(events: readonly ChatEvent[], seen: number): number {
  return events.filter((event) => isMessage(event) && event.speaker === "agent" && event.offset > seen).length;
}
