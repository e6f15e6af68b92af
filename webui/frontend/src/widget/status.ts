import { type TemplateResult, html, nothing } from "lit";
import type { Conversation } from "./conversation";
import type { ChatProblem } from "./server";
import { wordInBetween } from "./timeline";
import { type Words, describe } from "./words";

/** Whether a photo is on its way, or what was picked is none. */
export type PhotoState = "" | "sending" | "refused";

/** What is under way, also for who only hears it. */
export function statusOf(
  { phase, isEmpty, events }: Conversation,
  words: Words,
  photo: PhotoState,
): TemplateResult {
  const between = phase === "waiting" ? wordInBetween(events) : null;
  const aside = (text: string) => html`<p class="aside">${text}</p>`;
  return html`<div role="status">
    ${phase === "waiting" && between === null ? html`<span class="hidden">${words.writing}</span>` : nothing}
    ${between === null ? nothing : aside(between)}
    ${phase === "restoring" && isEmpty ? aside(words.restoring) : nothing}
    ${photo === "sending" ? aside(words.sendingPhoto) : nothing} ${photo === "refused" ? aside(words.noPhoto) : nothing}
  </div>`;
}

/** What went wrong, with the button that goes on from there. */
export function noticeOf(
  problem: ChatProblem,
  words: Words,
  retry: () => void,
  takeBack: () => void,
): TemplateResult {
  const refused = problem.kind === "refused";
  return html`<div class="notice" part="notice" role="alert">
    <p>${describe(problem, words)}</p>
    <button type="button" part="retry" @click=${refused ? takeBack : retry}>
      ${refused ? words.change : words.tryAgain}
    </button>
  </div>`;
}
