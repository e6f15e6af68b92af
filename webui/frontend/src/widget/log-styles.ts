import { css } from "lit";

/** The look of what is said, and of what is said about it. */
export const logStyles = css`
  .log {
    flex: 1;
    display: flex;
    flex-direction: column;
    gap: 8px;
    min-block-size: 0;
    padding: 20px;
    overflow-y: auto;
    overscroll-behavior: contain;
  }

  .log:focus-visible {
    outline-offset: -3px;
  }

  .message {
    max-inline-size: 85%;
    margin: 0;
    padding: 9px 14px;
    border: 1px solid transparent;
    border-radius: 14px;
    white-space: pre-wrap;
    overflow-wrap: anywhere;
  }

  .message.agent {
    align-self: flex-start;
    border-end-start-radius: 4px;
    background: var(--sunken);
  }

  .message.user {
    align-self: flex-end;
    border-end-end-radius: 4px;
    background: var(--accent);
    color: var(--accent-text);
  }

  .message.unsent {
    border-color: var(--accent);
    background: none;
    color: inherit;
  }

  .photo {
    display: block;
    inline-size: 220px;
    max-inline-size: 100%;
    block-size: 160px;
    margin-block-end: 6px;
    border-radius: 8px;
    object-fit: cover;
  }

  .choices {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }

  .choice {
    max-inline-size: 100%;
    min-block-size: 40px;
    padding: 6px 16px;
    border: 1px solid var(--accent);
    border-radius: 20px;
    background: var(--surface);
    color: var(--accent);
    overflow-wrap: anywhere;
  }

  .choice:hover {
    background: var(--sunken);
  }

  .aside {
    margin: 4px 0;
    color: var(--muted);
    font-size: 14px;
    text-align: center;
  }

  .typing {
    display: flex;
    align-self: flex-start;
    gap: 5px;
    margin: 0;
    padding: 12px 14px;
    border-radius: 14px;
    background: var(--sunken);
  }

  .typing i {
    inline-size: 7px;
    block-size: 7px;
    border-radius: 50%;
    background: var(--muted);
    animation: breathe 1.2s ease-in-out infinite;
  }

  .typing i:nth-child(2) {
    animation-delay: 0.15s;
  }

  .typing i:nth-child(3) {
    animation-delay: 0.3s;
  }

  .handoff,
  .notice {
    margin: 0;
    padding: 10px 14px;
    border: 1px solid var(--line);
    border-radius: 10px;
    font-size: 15px;
  }

  .handoff {
    text-align: center;
  }

  .notice {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 4px 12px;
    margin: 0 20px 12px;
    border-color: var(--alert);
  }

  .notice p {
    flex: 1 1 14em;
    margin: 0;
    color: var(--alert);
  }

  .notice button {
    min-block-size: 36px;
    padding: 4px 14px;
    border: 1px solid currentColor;
    border-radius: 8px;
    font-weight: 600;
  }

  @media (prefers-reduced-motion: reduce) {
    .typing i {
      animation: none;
    }
  }

  @keyframes breathe {
    50% {
      opacity: 0.25;
    }
  }
`;
