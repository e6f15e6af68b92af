import { chooseLanguage } from "../language";
import { ChatElement } from "./chat-element";

// Read at once: the browser names the running script only while its first lines run.
const script = document.currentScript;

function mount({ src, dataset }: HTMLScriptElement): void {
  if (!dataset.assistant) {
    console.error('The chat widget needs data-assistant="…" on its script tag: the name of a published assistant.');
    return;
  }
  if (customElements.get("taskflow-chat")) return;
  customElements.define("taskflow-chat", ChatElement);
  const language = chooseLanguage(dataset.lang, document.documentElement.lang);
  document.body.append(new ChatElement(new URL(src).origin, dataset.assistant, language, dataset.customer));
}

if (script instanceof HTMLScriptElement) {
  if (document.body) mount(script);
  else document.addEventListener("DOMContentLoaded", () => mount(script));
}
