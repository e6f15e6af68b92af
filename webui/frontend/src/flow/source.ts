import type { Excerpt, FlowDocument } from "./model";

/** Where the page's flow comes from: the address in the page names the assistant, the flow and the version. */
export class FlowSource {
  readonly #address: URL;

  constructor(address: string) {
    this.#address = new URL(address, document.baseURI);
  }

  flow(signal: AbortSignal): Promise<FlowDocument> {
    return fetchJson(this.#address, signal);
  }

  async excerpts(nodeId: string, signal: AbortSignal): Promise<readonly Excerpt[]> {
    const address = new URL(this.#address);
    address.pathname += `/nodes/${encodeURIComponent(nodeId)}/evidence`;
    const { excerpts } = await fetchJson<{ excerpts: Excerpt[] }>(address, signal);
    return excerpts;
  }
}

/** Throws an Error whose message is the server's own sentence, where it gave one. */
async function fetchJson<T>(address: URL, signal: AbortSignal): Promise<T> {
  const response = await fetch(address, { signal, headers: { Accept: "application/json" } });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok || body === null) throw new Error((body as { message?: string } | null)?.message ?? "");
  return body as T;
}
