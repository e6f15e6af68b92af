import { type TemplateResult, html, nothing } from "lit";
import { until } from "lit/directives/until.js";
import type { Conversation } from "./conversation";
import { asDataUrl } from "./photo";
import { type Choice, isMessage } from "./timeline";
import type { Words } from "./words";

/** Takes a photo's place until it is here, so that nothing jumps. */
const AWAITED = html`<span class="photo"></span>`;

/** The list of what was said, and the buttons below it. */
export class Log {
  readonly #conversation: Conversation;
  readonly #words: Words;
  readonly #choose: (choice: Choice) => void;
  /** Asked for once, however often the list is drawn. */
  readonly #photos = new Map<string, Promise<unknown>>();

  constructor(conversation: Conversation, words: Words, choose: (choice: Choice) => void) {
    this.#conversation = conversation;
    this.#words = words;
    this.#choose = choose;
  }

  render(silent: boolean): TemplateResult {
    const { events, outbox, isEmpty, isHandedOff, phase, replaced } = this.#conversation;
    return html`<div
      class="log"
      part="log"
      role="log"
      tabindex="0"
      aria-label=${this.#words.messages}
      aria-live=${silent ? "off" : "polite"}
    >
      ${replaced ? html`<p class="aside">${this.#words.replaced}</p>` : nothing}
      ${isEmpty && phase !== "restoring" ? this.#message("agent", this.#words.greeting) : nothing}
      ${events.filter(isMessage).map((event) => this.#message(event.speaker, event.text, event.attachments))}
      ${outbox.map((message) => this.#message("user", message.text, message.attachments, phase === "failed"))}
      ${this.#choices()}
      ${isHandedOff ? html`<p class="handoff" part="handoff">${this.#words.handedOff}</p>` : nothing}
      ${phase === "waiting"
        ? html`<p class="typing" part="typing" aria-hidden="true"><i></i><i></i><i></i></p>`
        : nothing}
    </div>`;
  }

  #message(speaker: "user" | "agent", text: string, photos: readonly string[] = [], unsent = false): TemplateResult {
    const who = speaker === "user" ? this.#words.you : this.#words.assistant;
    return html`<p class="message ${speaker} ${unsent ? "unsent" : ""}" part="message message-${speaker}" dir="auto"
      ><span class="hidden">${who} </span>${photos.map((id) => until(this.#photo(id), AWAITED))}${text}</p
    >`;
  }

  #photo(id: string): Promise<unknown> {
    const load = async (): Promise<unknown> => {
      const address = await asDataUrl(await this.#conversation.photo(id));
      return html`<img class="photo" part="photo" src=${address} alt=${this.#words.photo} />`;
    };
    const shown = this.#photos.get(id) ?? load().catch(() => nothing);
    this.#photos.set(id, shown);
    return shown;
  }

  #choices(): TemplateResult | typeof nothing {
    const { choices } = this.#conversation;
    if (choices.length === 0) return nothing;
    return html`<div class="choices" part="choices" role="group" aria-label=${this.#words.choices}>
      ${choices.map(
        (choice) =>
          html`<button type="button" class="choice" part="choice" @click=${() => this.#choose(choice)}>
            ${choice.label}
          </button>`,
      )}
    </div>`;
  }
}
