import { useCallback, useEffect, useState } from "react";

export type Loaded<T> =
  | { readonly state: "loading" }
  | { readonly state: "failed"; readonly reason: string; readonly retry: () => void }
  | { readonly state: "ready"; readonly value: T };

/** Loads once for each `load` function, which has to be stable between renders. */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [attempt, setAttempt] = useState(0);
  const [loaded, setLoaded] = useState<Loaded<T>>({ state: "loading" });
  const retry = useCallback(() => setAttempt((count) => count + 1), []);

  useEffect(() => {
    const leaving = new AbortController();
    setLoaded({ state: "loading" });
    load(leaving.signal).then(
      (value) => setLoaded({ state: "ready", value }),
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        setLoaded({ state: "failed", reason: error instanceof Error ? error.message : "", retry });
      },
    );
    return () => leaving.abort();
  }, [load, attempt, retry]);

  return loaded;
}
