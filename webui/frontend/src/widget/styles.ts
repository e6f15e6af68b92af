import { css } from "lit";

/** The look of the button, the panel and the composer, in the colours of `theme.ts`. */
export const styles = css`
  * {
    box-sizing: border-box;
  }

  button,
  textarea {
    font: inherit;
    color: inherit;
  }

  button {
    border: 0;
    background: none;
    cursor: pointer;
  }

  button:disabled {
    cursor: default;
    opacity: 0.45;
  }

  :focus-visible {
    outline: 3px solid var(--accent);
    outline-offset: 2px;
  }

  svg {
    display: block;
    inline-size: 1.5em;
    block-size: 1.5em;
    fill: none;
    stroke: currentColor;
    stroke-width: 2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }

  .launcher {
    position: relative;
    display: grid;
    place-items: center;
    inline-size: 56px;
    block-size: 56px;
    margin-inline-start: auto;
    border: 1px solid transparent;
    border-radius: 50%;
    background: var(--accent);
    color: var(--accent-text);
    box-shadow: 0 6px 20px rgb(10 20 40 / 28%);
    transition: transform 0.15s ease;
  }

  .launcher:hover {
    transform: scale(1.05);
  }

  .badge {
    position: absolute;
    inset-block-start: -4px;
    inset-inline-end: -4px;
    min-inline-size: 22px;
    padding-inline: 6px;
    border-radius: 11px;
    background: #b3261e;
    color: #ffffff;
    font-size: 13px;
    font-weight: 600;
    line-height: 22px;
    text-align: center;
  }

  dialog:not([open]) {
    display: none;
  }

  .panel {
    position: fixed;
    inset: auto;
    inset-block-end: calc(var(--inset) + 68px);
    inset-inline-end: var(--inset);
    display: flex;
    flex-direction: column;
    inline-size: min(390px, calc(100vw - 2 * var(--inset)));
    max-inline-size: none;
    block-size: min(640px, calc(100dvh - var(--inset) - 88px));
    max-block-size: none;
    margin: 0;
    padding: 0;
    overflow: hidden;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
    color: inherit;
    box-shadow: 0 16px 48px rgb(10 20 40 / 26%);
    animation: rise 0.18s ease-out;
  }

  .header {
    display: flex;
    align-items: center;
    gap: 4px;
    padding: 12px 12px 12px 20px;
    padding-inline: 20px 12px;
    border-block-end: 1px solid var(--line);
  }

  .title {
    flex: 1;
    margin: 0;
    font-size: 17px;
    font-weight: 650;
  }

  .icon-button {
    display: grid;
    place-items: center;
    inline-size: 44px;
    block-size: 44px;
    padding: 0;
    border-radius: 10px;
    font-size: 14px;
    color: var(--muted);
  }

  .icon-button:not(:disabled):hover {
    background: var(--sunken);
    color: var(--text);
  }

  .composer {
    display: flex;
    align-items: flex-end;
    gap: 8px;
    padding: 12px;
    padding-block-end: calc(12px + env(safe-area-inset-bottom, 0px));
    border-block-start: 1px solid var(--line);
  }

  .input {
    flex: 1;
    min-inline-size: 0;
    min-block-size: 44px;
    max-block-size: 132px;
    padding: 9px 14px;
    border: 1px solid var(--muted);
    border-radius: 12px;
    background: var(--surface);
    resize: none;
    field-sizing: content;
  }

  .input:focus-visible {
    outline-width: 2px;
    outline-offset: 0;
  }

  .input::placeholder {
    color: var(--muted);
    opacity: 1;
  }

  .send {
    display: grid;
    place-items: center;
    inline-size: 44px;
    block-size: 44px;
    padding: 0;
    border: 1px solid transparent;
    border-radius: 12px;
    background: var(--accent);
    color: var(--accent-text);
    font-size: 14px;
  }

  :host(:dir(rtl)) .send svg {
    transform: scaleX(-1);
  }

  .hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  @media (max-width: 479px) {
    .panel {
      inset: 0;
      inline-size: 100%;
      block-size: 100dvh;
      border: 0;
      border-radius: 0;
    }
  }

  @media (prefers-reduced-motion: reduce) {
    .launcher,
    .panel {
      animation: none;
      transition: none;
    }
  }

  @keyframes rise {
    from {
      opacity: 0;
      transform: translateY(12px);
    }
  }
`;
