import { css } from "lit";

/**
 * The widget's colours and place. A shop themes it from outside with `taskflow-chat { --taskflow-accent: … }` and with
 * `taskflow-chat::part(…)`; the properties are those below, the parts those of `chat-element.ts`.
 */
export const theme = css`
  :host {
    --accent: var(--taskflow-accent, #1f5fbf);
    --accent-text: var(--taskflow-accent-text, #ffffff);
    --surface: var(--taskflow-surface, #ffffff);
    --sunken: var(--taskflow-sunken, #f1f4f8);
    --text: var(--taskflow-text, #1b2430);
    --muted: var(--taskflow-muted, #57636f);
    --line: var(--taskflow-line, #d5dce4);
    --alert: var(--taskflow-alert, #a3261d);
    --radius: var(--taskflow-radius, 16px);
    --inset: var(--taskflow-inset, 20px);

    position: fixed;
    inset-block-end: var(--inset);
    inset-inline-end: var(--inset);
    z-index: var(--taskflow-layer, 2147483000);
    display: block;
    font: var(--taskflow-font, 400 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC",
      "Microsoft YaHei", "Noto Sans CJK SC", sans-serif);
    color: var(--text);
    text-align: start;
    -webkit-text-size-adjust: 100%;
  }

  @media (prefers-color-scheme: dark) {
    :host {
      --accent: var(--taskflow-accent, #8ab8ff);
      --accent-text: var(--taskflow-accent-text, #0c1726);
      --surface: var(--taskflow-surface, #171c23);
      --sunken: var(--taskflow-sunken, #242b35);
      --text: var(--taskflow-text, #e7ecf2);
      --muted: var(--taskflow-muted, #a7b2be);
      --line: var(--taskflow-line, #3a4450);
      --alert: var(--taskflow-alert, #ffa198);
    }
  }
`;
