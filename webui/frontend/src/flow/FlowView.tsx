import { useCallback, useEffect, useMemo, useState } from "react";
import { Canvas, type Goal } from "./Canvas";
import { NodePanel } from "./NodePanel";
import { Toolbar } from "./Toolbar";
import { useWords } from "./language";
import type { FlowDocument } from "./model";
import { nameOf } from "./naming";
import type { FlowSource } from "./source";
import { type FlowTree, foldsAt, openingFolds, search, unfoldTo } from "./tree";

interface Props {
  readonly document: FlowDocument;
  readonly tree: FlowTree;
  readonly source: FlowSource;
}

/** The tree, its search and folds, and what is known of the selected node. */
export function FlowView({ document: { assistant, version, flow }, tree, source }: Props) {
  const words = useWords();
  const [folded, setFolded] = useState(() => openingFolds(tree));
  const [selected, setSelected] = useState<string | null>(null);
  const [goal, setGoal] = useState<Goal | null>(null);
  const [query, setQuery] = useState("");
  const hits = useMemo(() => search(tree, query), [tree, query]);

  /** Brings a node into view, whatever hides it; `focus` moves the keyboard there too. */
  const reveal = useCallback(
    (id: string, focus: boolean) => {
      const branch = tree.get(id);
      if (!branch) return;
      setFolded((now) => unfoldTo(branch, now));
      setGoal({ id, focus });
    },
    [tree],
  );
  const goTo = useCallback(
    (id: string, focus: boolean) => {
      setSelected(id);
      reveal(id, focus);
      history.replaceState(null, "", fragment(id));
    },
    [reveal],
  );
  const toggle = useCallback((id: string) => {
    setFolded((now) => (now.has(id) ? new Set([...now].filter((other) => other !== id)) : new Set([...now, id])));
  }, []);

  const foldTo = (folds: ReadonlySet<string>, id: string) => {
    setFolded(folds);
    setGoal({ id, focus: false });
  };

  // An address that ends in a node's id opens at that node.
  useEffect(() => {
    const named = tree.all().find(({ node }) => location.hash === fragment(node.id));
    if (named) goTo(named.node.id, false);
  }, [tree, goTo]);

  const branch = selected === null ? undefined : tree.get(selected);
  return (
    <section className="flow-page" aria-label={`${words.flowTree}: ${flow.name}`}>
      <Toolbar
        query={query}
        onQuery={setQuery}
        hits={hits}
        onHit={(id) => goTo(id, false)}
        onUnfoldAll={() => foldTo(new Set(), selected ?? tree.root.node.id)}
        onFoldAll={() => foldTo(foldsAt(tree, 1), tree.root.node.id)}
      />
      <Canvas
        flow={flow}
        tree={tree}
        folded={folded}
        selected={selected}
        hits={hits}
        goal={goal}
        onSelect={goTo}
        onReveal={reveal}
        onToggle={toggle}
      />
      <p className="visually-hidden" role="status">
        {branch && `${words.details}: ${nameOf(branch, tree, flow, words)}`}
      </p>
      <NodePanel
        key={selected}
        title={`${assistant} · ${version === null ? words.draft : words.version(version)}`}
        flow={flow}
        tree={tree}
        branch={branch ?? null}
        source={source}
        onGoTo={(id) => goTo(id, false)}
      />
    </section>
  );
}

function fragment(id: string): string {
  return `#${encodeURIComponent(id)}`;
}
