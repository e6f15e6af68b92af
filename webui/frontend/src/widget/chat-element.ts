import { LitElement, type TemplateResult, html, nothing } from "lit";
import type { Language } from "../language";
import { Conversation } from "./conversation";
import { chatIcon, closeIcon, newIcon, photoIcon, sendIcon } from "./icons";
import { isComposing } from "./input-method";
import { Kept } from "./kept";
import { Log } from "./log";
import { logStyles } from "./log-styles";
import { asPhoto } from "./photo";
import { ChatServer } from "./server";
import { type PhotoState, noticeOf, statusOf } from "./status";
import { styles } from "./styles";
import { theme } from "./theme";
import type { Choice } from "./timeline";
import { type Words, words } from "./words";

/** Below this width the panel fills the screen and the page behind it rests; the style sheet says the same. */
const PHONE = "(max-width: 479px)";
/** How long, in milliseconds, the message list stays silent after it has been filled or shown as a whole. */
const SETTLING = 400;

/** The chat widget: a button that opens a panel, in a shadow root that neither takes nor gives styles. */
export class ChatElement extends LitElement {
  static override styles = [theme, styles, logStyles];
  // Declared, not initialised: a class field would hide the accessor that Lit makes for the property.
  static override properties = {
    open: { state: true },
    silent: { state: true },
    draft: { state: true },
    photo: { state: true },
  };
  declare private open: boolean;
  declare private silent: boolean;
  declare private draft: string;
  declare private photo: PhotoState;

  readonly #conversation: Conversation;
  readonly #words: Words;
  readonly #wasOpen: Kept<boolean>;
  readonly #log: Log;
  // Before the constructor's own lines run, which hand it on.
  readonly #choose = async (choice: Choice): Promise<void> => {
    // The button that was pressed goes away with the others.
    this.#input.focus();
    await this.#conversation.choose(choice);
  };
  #shownContent = "";
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(origin: string, assistant: string, language: Language, customer?: string) {
    super();
    const key = `taskflow-chat:${assistant}`;
    this.lang = language === "zh" ? "zh-CN" : "en";
    this.#words = words[language];
    this.#wasOpen = new Kept(() => sessionStorage, `${key}:open`, false);
    this.open = this.#wasOpen.value;
    this.silent = true;
    this.draft = "";
    this.photo = "";
    const memory = {
      ticket: new Kept(() => localStorage, `${key}:ticket`, null),
      seen: new Kept(() => localStorage, `${key}:seen`, -1),
      outbox: new Kept(() => sessionStorage, `${key}:outbox`, []),
    };
    const changed = (): void => this.requestUpdate();
    this.#conversation = new Conversation(new ChatServer(origin), { assistant, customer }, memory, changed);
    this.#log = new Log(this.#conversation, this.#words, this.#choose);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#onVisibility);
    void this.#conversation.refresh();
    if (!document.hidden) this.#conversation.watch();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#conversation.rest();
  }

  protected override render(): TemplateResult {
    const unread = this.open ? 0 : this.#conversation.unread;
    return html`
      <button
        type="button"
        class="launcher"
        part="launcher"
        aria-expanded=${this.open}
        aria-haspopup="dialog"
        aria-label=${unread > 0 ? this.#words.openChatUnread(unread) : this.#words.openChat}
        @click=${this.#toggle}
      >
        ${chatIcon}${unread > 0 ? html`<span class="badge" part="badge" aria-hidden="true">${unread}</span>` : nothing}
      </button>
      <dialog class="panel" part="panel" aria-labelledby="title" @keydown=${this.#onKey} @cancel=${this.#onCancel}>
        ${this.#header()} ${this.#log.render(this.silent)}
        ${statusOf(this.#conversation, this.#words, this.photo)} ${this.#notice()} ${this.#composer()}
      </dialog>
    `;
  }

  protected override updated(): void {
    this.#showPanel();
    this.#endSilence();
    const { events, outbox, phase } = this.#conversation;
    const content = `${events.length} ${outbox.length} ${phase}`;
    if (this.open) {
      this.#conversation.markSeen();
      if (content !== this.#shownContent) this.#scrollToEnd();
    }
    this.#shownContent = content;
  }

  #header(): TemplateResult {
    return html`<div class="header" part="header">
      <h2 id="title" class="title" part="title">${this.#words.title}</h2>
      <button
        type="button"
        class="icon-button"
        part="new-conversation"
        title=${this.#words.newConversation}
        aria-label=${this.#words.newConversation}
        ?disabled=${this.#conversation.isEmpty}
        @click=${this.#startAnew}
      >
        ${newIcon}
      </button>
      <button
        type="button"
        class="icon-button"
        part="close"
        title=${this.#words.closeChat}
        aria-label=${this.#words.closeChat}
        @click=${this.#close}
      >
        ${closeIcon}
      </button>
    </div>`;
  }

  #notice(): TemplateResult | typeof nothing {
    const { problem } = this.#conversation;
    return problem ? noticeOf(problem, this.#words, this.#retry, this.#takeBack) : nothing;
  }

  #composer(): TemplateResult {
    return html`<form class="composer" part="composer" @submit=${this.#onSubmit}>
      <button
        type="button"
        class="icon-button"
        part="photo-button"
        title=${this.#words.sendPhoto}
        aria-label=${this.#words.sendPhoto}
        ?disabled=${this.photo === "sending"}
        @click=${this.#pickPhoto}
      >
        ${photoIcon}
      </button>
      <input type="file" accept="image/*" hidden @change=${this.#onPhoto} />
      <textarea
        class="input"
        part="input"
        rows="1"
        enterkeyhint="send"
        aria-label=${this.#words.yourMessage}
        placeholder=${this.#words.placeholder}
        .value=${this.draft}
        @input=${this.#onInput}
        @keydown=${this.#onComposerKey}
      ></textarea>
      <button
        type="submit"
        class="send"
        part="send"
        title=${this.#words.send}
        aria-label=${this.#words.send}
        ?disabled=${!this.draft.trim()}
      >
        ${sendIcon}
      </button>
    </form>`;
  }

  readonly #toggle = async (): Promise<void> => {
    if (this.open) return this.#close();
    this.#setOpen(true);
    this.silent = true;
    const refreshed = this.#conversation.refresh();
    await this.updateComplete;
    this.#input.focus();
    await refreshed;
  };

  readonly #close = async (): Promise<void> => {
    this.#setOpen(false);
    await this.updateComplete;
    this.renderRoot.querySelector<HTMLElement>(".launcher")?.focus();
  };

  readonly #startAnew = (): void => {
    this.#conversation.startAnew();
    this.#input.focus();
  };

  readonly #retry = async (): Promise<void> => {
    // The button that was pressed goes away with the notice.
    this.#input.focus();
    await this.#conversation.retry();
  };

  readonly #takeBack = (): void => {
    const text = this.#conversation.takeBack();
    this.draft = text && this.draft ? `${text}\n${this.draft}` : text || this.draft;
    this.#input.focus();
  };

  readonly #onInput = (): void => {
    this.draft = this.#input.value;
  };

  readonly #onSubmit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    const text = this.draft.trim();
    if (!text) return;
    this.draft = "";
    await this.#conversation.send(text);
  };

  readonly #pickPhoto = (): void => {
    this.renderRoot.querySelector<HTMLInputElement>("input[type=file]")!.click();
  };

  readonly #onPhoto = async (event: Event): Promise<void> => {
    const picker = event.target as HTMLInputElement;
    const file = picker.files?.[0];
    picker.value = ""; // so that the same photo can be picked again
    if (!file) return;
    this.photo = "sending";
    const photo = await asPhoto(file);
    if (photo) await this.#conversation.sendPhoto(photo, this.#words.photoSent);
    this.photo = photo ? "" : "refused";
    this.#input.focus();
  };

  readonly #onComposerKey = async (event: KeyboardEvent): Promise<void> => {
    if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return;
    event.preventDefault();
    await this.#onSubmit();
  };

  readonly #onKey = async (event: KeyboardEvent): Promise<void> => {
    if (event.key !== "Escape" || isComposing(event)) return;
    event.preventDefault();
    await this.#close();
  };

  // A phone's back gesture closes a modal dialog without a key.
  readonly #onCancel = async (event: Event): Promise<void> => {
    event.preventDefault();
    await this.#close();
  };

  readonly #onVisibility = (): void => {
    if (document.hidden) return this.#conversation.rest();
    void this.#conversation.refresh();
    this.#conversation.watch();
  };

  get #input(): HTMLTextAreaElement {
    return this.renderRoot.querySelector("textarea")!;
  }

  #setOpen(open: boolean): void {
    this.open = open;
    this.#wasOpen.value = open;
  }

  /** What an earlier page or the closed panel held is no news to a screen reader; what comes after it is. */
  #endSilence(): void {
    if (!this.silent || this.#conversation.phase === "restoring") return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => (this.silent = false), SETTLING);
  }

  #showPanel(): void {
    const panel = this.renderRoot.querySelector("dialog")!;
    if (panel.open === this.open) return;
    if (!this.open) panel.close();
    else if (matchMedia(PHONE).matches) panel.showModal();
    // Unlike show(), the attribute leaves the focus alone, which a page that loads anew must not lose.
    else panel.open = true;
    if (this.open) this.#scrollToEnd();
  }

  #scrollToEnd(): void {
    const log = this.renderRoot.querySelector(".log")!;
    log.scrollTop = log.scrollHeight;
  }
}
