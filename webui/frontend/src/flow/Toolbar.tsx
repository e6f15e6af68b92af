import { type KeyboardEvent, useState } from "react";
import { ChevronDown, ChevronUp } from "./icons";
import { useWords } from "./language";
import type { Branch } from "./tree";

interface Props {
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly hits: readonly Branch[];
  readonly onHit: (id: string) => void;
  readonly onUnfoldAll: () => void;
  readonly onFoldAll: () => void;
}

/** Search over the flow, one match after the other, and the folds of the whole tree. */
export function Toolbar({ query, onQuery, hits, onHit, onUnfoldAll, onFoldAll }: Props) {
  const words = useWords();
  // 0 before the first match has been visited.
  const [at, setAt] = useState(0);

  const visit = (step: 1 | -1) => {
    if (hits.length === 0) return;
    const next = ((Math.max(at, step === 1 ? 0 : 1) - 1 + step + hits.length) % hits.length) + 1;
    setAt(next);
    onHit(hits[next - 1]!.node.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    visit(event.shiftKey ? -1 : 1);
  };

  return (
    <div className="flow-toolbar">
      <div className="flow-search" role="search">
        <input
          type="search"
          value={query}
          aria-label={words.search}
          placeholder={words.search}
          onChange={(event) => {
            onQuery(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <output className="flow-hits">{query.trim() ? words.hits(at, hits.length) : ""}</output>
        <button
          type="button"
          className="button button--quiet flow-square"
          aria-label={words.previousHit}
          title={words.previousHit}
          disabled={hits.length === 0}
          onClick={() => visit(-1)}
        >
          <ChevronUp />
        </button>
        <button
          type="button"
          className="button button--quiet flow-square"
          aria-label={words.nextHit}
          title={words.nextHit}
          disabled={hits.length === 0}
          onClick={() => visit(1)}
        >
          <ChevronDown />
        </button>
      </div>
      <div className="row">
        <button type="button" className="button button--quiet" onClick={onUnfoldAll}>
          {words.unfoldAll}
        </button>
        <button type="button" className="button button--quiet" onClick={onFoldAll}>
          {words.foldAll}
        </button>
      </div>
    </div>
  );
}
