import { type SVGTemplateResult, type TemplateResult, html, svg } from "lit";

const icon = (shape: SVGTemplateResult): TemplateResult =>
  html`<svg viewBox="0 0 24 24" aria-hidden="true">${shape}</svg>`;

export const chatIcon = icon(svg`<path d="M20 4H4v13h4v4l5-4h7z" /><path d="M8 9h8M8 12.5h5" />`);
export const closeIcon = icon(svg`<path d="M6 6l12 12M18 6L6 18" />`);
export const newIcon = icon(svg`<path d="M12 20h8M16.5 3.5a2.1 2.1 0 013 3L8 18l-4 1 1-4z" />`);
export const photoIcon = icon(svg`<path d="M3 7h4l2-3h6l2 3h4v13H3z" /><circle cx="12" cy="13" r="4" />`);
export const sendIcon = icon(svg`<path d="M12 19V5M5.5 11.5L12 5l6.5 6.5" />`);
