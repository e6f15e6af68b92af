/** Whether the key belongs to an input method that is still composing, as for Chinese; Safari says it with 229. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
