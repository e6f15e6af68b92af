/** A value kept under one key; where the browser refuses storage it lasts as long as the page. */
export class Kept<T> {
  readonly #storage: Storage | null;
  readonly #key: string;
  #value: T;

  constructor(open: () => Storage, key: string, start: T) {
    this.#storage = attempt(open);
    this.#key = key;
    this.#value = attempt(() => parse<T>(this.#storage?.getItem(key))) ?? start;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    attempt(() => this.#storage?.setItem(this.#key, JSON.stringify(value)));
  }
}

function parse<T>(text: string | null | undefined): T | null {
  return text ? (JSON.parse(text) as T) : null;
}

// Storage throws where cookies are blocked or the quota is full, and what another script wrote may be no JSON.
function attempt<T>(action: () => T): T | null {
  try {
    return action();
  } catch {
    return null;
  }
}
