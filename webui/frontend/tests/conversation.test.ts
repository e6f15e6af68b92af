import { afterEach, beforeEach, expect, test } from "vitest";
import { Conversation } from "../src/widget/conversation";
import { PAUSES } from "../src/widget/follow";
import { Kept } from "../src/widget/kept";
import { ChatServer } from "../src/widget/server";
import { EchoServer } from "./chat-server";

const server = new EchoServer();
let origin = "";
let stored: Map<string, string>;

beforeEach(async () => {
  PAUSES.first = 10;
  server.refusesStreams = false;
  server.streamed.length = 0;
  origin = await server.start();
  stored = new Map();
  server.received.length = 0;
  server.forgetConversations();
  server.photos.length = 0;
});
afterEach(() => server.stop());

/** A page that opens on what earlier pages of the test stored. */
function openPage(): Conversation {
  const storage = () =>
    ({
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    }) as unknown as Storage;
  const memory = {
    ticket: new Kept(storage, "ticket", null),
    seen: new Kept(storage, "seen", -1),
    outbox: new Kept(storage, "outbox", []),
  };
  return new Conversation(new ChatServer(origin), { assistant: "shop" }, memory, () => {});
}

const texts = (conversation: Conversation) => conversation.events.map((event) => event.text);

test("a page that opens anew shows the conversation and goes on with it", async () => {
  await openPage().send("hello");
  const page = openPage();
  await page.refresh();
  await page.send("again");
  expect(texts(page)).toEqual(["hello", "echo hello", "again", "echo again"]);
});

test("a turn whose answer was lost is asked for again under the same id, and happened once", async () => {
  const page = openPage();
  await page.send("hello");
  server.mishaps.push("lost answer");
  await page.send("once");
  expect(page.problem?.kind).toBe("unreachable");
  await page.retry();
  expect(texts(page)).toEqual(["hello", "echo hello", "once", "echo once"]);
  expect(server.received[1]).toEqual(server.received[2]);
});

test("a message that no server got is sent by the next page", async () => {
  server.mishaps.push(503);
  const page = openPage();
  await page.send("hello");
  expect(page.outbox).toHaveLength(1);
  const next = openPage();
  await next.refresh();
  expect(texts(next)).toEqual(["hello", "echo hello"]);
  expect(next.outbox).toHaveLength(0);
});

test("messages written while a turn is under way follow in order", async () => {
  const page = openPage();
  await Promise.all([page.send("one"), page.send("two"), page.send("three")]);
  await expect.poll(() => texts(page)).toEqual(["one", "echo one", "two", "echo two", "three", "echo three"]);
});

test("a conversation that the server no longer knows gives way to a new one, with the message in it", async () => {
  const page = openPage();
  await page.send("hello");
  server.forgetConversations();
  await page.send("still there?");
  expect(texts(page)).toEqual(["still there?", "echo still there?"]);
  expect(page.replaced).toBe(true);
});

test("a refused message can be taken back and changed", async () => {
  const page = openPage();
  server.mishaps.push(422);
  await page.send("too long");
  expect(page.problem).toMatchObject({ kind: "refused", message: "Refused with 422." });
  expect(page.takeBack()).toBe("too long");
  await page.send("short");
  expect(texts(page)).toEqual(["short", "echo short"]);
});

test("an answer that comes after the customer began anew is dropped", async () => {
  const page = openPage();
  const turn = page.send("old");
  page.startAnew();
  await turn;
  await page.send("new");
  expect(texts(page)).toEqual(["new", "echo new"]);
});

/** A page that is looked at and has a conversation. */
async function watchedPage(): Promise<Conversation> {
  const page = openPage();
  page.watch();
  await page.send("hello");
  return page;
}

test("what nobody asked for is shown as it happens", async () => {
  const page = await watchedPage();
  await expect.poll(() => server.openStreams).toBe(1);
  server.say("A colleague here, 您好");
  await expect.poll(() => texts(page)).toEqual(["hello", "echo hello", "A colleague here, 您好"]);
  expect(page.isHandedOff).toBe(true);
  page.rest();
});

test("a stream that ends is opened again after the last event, and nothing is lost or doubled", async () => {
  const page = await watchedPage();
  await expect.poll(() => server.openStreams).toBe(1);
  server.endStreams();
  server.say("meanwhile");
  await expect.poll(() => server.streamed.at(-1)).toBeGreaterThanOrEqual(1);
  server.say("later");
  await expect.poll(() => texts(page)).toEqual(["hello", "echo hello", "meanwhile", "later"]);
  page.rest();
});

test("where no stream can be had, the events are asked for", async () => {
  server.refusesStreams = true;
  const page = await watchedPage();
  server.say("still heard");
  await expect.poll(() => texts(page)).toEqual(["hello", "echo hello", "still heard"]);
  expect(server.streamed).toEqual([]);
  page.rest();
});

test("a page that nobody looks at holds no stream, and catches up when it is looked at", async () => {
  const page = await watchedPage();
  await expect.poll(() => server.openStreams).toBe(1);
  page.rest();
  await expect.poll(() => server.openStreams).toBe(0);
  server.say("unseen");
  page.watch();
  await expect.poll(() => texts(page)).toEqual(["hello", "echo hello", "unseen"]);
  page.startAnew();
  await expect.poll(() => server.openStreams).toBe(0);
});

test("an answer that got lost comes by the stream, and there is nothing to try again", async () => {
  const page = await watchedPage();
  await expect.poll(() => server.openStreams).toBe(1);
  server.mishaps.push("lost answer");
  await page.send("once");
  await expect.poll(() => texts(page)).toEqual(["hello", "echo hello", "once", "echo once"]);
  await expect.poll(() => page.phase).toBe("idle");
  expect(page.outbox).toEqual([]);
  page.rest();
});

test("a button's press sends its payload, and the buttons go", async () => {
  const page = openPage();
  await page.send("really?");
  expect(page.choices.map((choice) => choice.label)).toEqual(["yes", "no"]);
  const pressed = page.choose(page.choices[1]!);
  expect(page.choices).toEqual([]);
  await pressed;
  expect(server.received[1]).toMatchObject({ text: "no", choice: "0 no" });
  expect(page.choices).toEqual([]);
});

test("a photo may begin a conversation, and a page that opens anew has it", async () => {
  await openPage().sendPhoto(new Blob(["photo of a cup"]), "Here it is");
  expect(server.received[0]).toMatchObject({ text: "Here it is", attachments: ["0"] });
  const page = openPage();
  await page.refresh();
  expect(page.events[0]?.attachments).toEqual(["0"]);
  expect(await (await page.photo("0")).text()).toBe("photo of a cup");
});

test("a photo goes into a new conversation where the server has forgotten the old one", async () => {
  const page = openPage();
  await page.send("hello");
  server.forgetConversations();
  await page.sendPhoto(new Blob(["photo of a pot"]), "Here it is");
  expect(texts(page)).toEqual(["Here it is", "echo Here it is"]);
  expect(page.replaced).toBe(true);
});

test("what the server takes for no photo is told, and nothing is said", async () => {
  const page = openPage();
  await page.sendPhoto(new Blob(["a virus"]), "Here it is");
  expect(page.problem).toMatchObject({ kind: "refused", message: "No photo." });
  expect(server.received).toEqual([]);
  await page.send("hello");
  expect(page.problem).toBeNull();
});

test("the widget works where the browser refuses storage", () => {
  const refused = new Kept<number>(
    () => {
      throw new DOMException("denied", "SecurityError");
    },
    "seen",
    -1,
  );
  refused.value = 3;
  expect(refused.value).toBe(3);
});
