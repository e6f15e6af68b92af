import { describe, expect, test } from "vitest";
import { type ChatEvent, countUnread, isHandedOff, mergeEvents, unconfirmed, wordInBetween } from "../src/widget/timeline";

function event(offset: number, change: Partial<ChatEvent> = {}): ChatEvent {
  const at = "2024-05-01T10:00:00Z";
  const base = { kind: "message", speaker: "agent", text: `#${offset}`, client_message_id: null, node: null } as const;
  return { ...base, offset, handoff: false, at, choices: [], attachments: [], ...change };
}

describe("merging events", () => {
  test("any split of a conversation into overlapping answers, in any order, merges into the conversation", () => {
    const all = Array.from({ length: 12 }, (_, offset) => event(offset));
    for (let start = 0; start < all.length; start += 1) {
      const early = all.slice(0, start + 3);
      const late = all.slice(start);
      expect(mergeEvents(early, late)).toEqual(all);
      expect(mergeEvents(late, early)).toEqual(all);
    }
  });

  test("an answer that says nothing new leaves the list itself as it is", () => {
    const known = [event(0), event(1)];
    expect(mergeEvents(known, [event(1)])).toBe(known);
  });
});

test("an outgoing message waits until an event bears its id", () => {
  const outbox = [
    { clientMessageId: "a", text: "one" },
    { clientMessageId: "b", text: "two" },
  ];
  expect(unconfirmed(outbox, [event(0, { speaker: "user", client_message_id: "a" })])).toEqual([outbox[1]]);
});

test("a conversation is handed off until our side speaks without it", () => {
  const handed = [event(0, { handoff: true }), event(1, { speaker: "user" })];
  expect(isHandedOff(handed)).toBe(true);
  expect(isHandedOff([...handed, event(2)])).toBe(false);
  expect(isHandedOff([])).toBe(false);
});

test("only the agent's messages after the last seen one are unread", () => {
  expect(countUnread([event(0), event(1), event(2, { speaker: "user" }), event(3)], 0)).toBe(2);
});

test("a word in between is told until something comes of it, and is no message", () => {
  const waiting = [event(0, { speaker: "user" }), event(1, { kind: "waiting", text: "One moment" })];
  expect(wordInBetween(waiting)).toBe("One moment");
  expect(countUnread(waiting, -1)).toBe(0);
  expect(wordInBetween([...waiting, event(2)])).toBeNull();
  expect(wordInBetween([])).toBeNull();
});
