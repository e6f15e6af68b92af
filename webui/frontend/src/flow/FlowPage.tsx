import { ReactFlowProvider } from "@xyflow/react";
import { useCallback, useMemo } from "react";
import { FlowView } from "./FlowView";
import { useWords } from "./language";
import type { FlowDocument } from "./model";
import type { FlowSource } from "./source";
import { FlowTree } from "./tree";
import { useLoaded } from "./useLoaded";

interface Props {
  readonly source: FlowSource;
  readonly fallback: readonly ChildNode[];
}

interface LoadedFlow {
  readonly document: FlowDocument;
  readonly tree: FlowTree | null;
}

/** The flow while it loads, when it cannot be had, when it has no nodes, and as a tree. */
export function FlowPage({ source, fallback }: Props) {
  const words = useWords();
  const load = useCallback(
    async (signal: AbortSignal): Promise<LoadedFlow> => {
      const document = await source.flow(signal);
      const { nodes } = document.flow;
      return { document, tree: nodes.length > 0 ? new FlowTree(nodes) : null };
    },
    [source],
  );
  const loaded = useLoaded(load);
  const keepFallback = useMemo(() => (element: HTMLElement | null) => element?.append(...fallback), [fallback]);

  if (loaded.state === "loading") return <p className="empty" role="status">{words.loading}</p>;
  if (loaded.state === "failed") {
    return (
      <div className="stack">
        <div className="notice notice--bad" role="alert">
          <p>
            {words.failed} {loaded.reason}
          </p>
          <p>
            <button type="button" className="button button--quiet button--small" onClick={loaded.retry}>
              {words.tryAgain}
            </button>
          </p>
        </div>
        <div ref={keepFallback} />
      </div>
    );
  }
  const { document, tree } = loaded.value;
  if (!tree) return <p className="empty">{words.empty}</p>;
  return (
    <ReactFlowProvider>
      <FlowView document={document} tree={tree} source={source} />
    </ReactFlowProvider>
  );
}
