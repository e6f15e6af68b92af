import { NodeDetails } from "./NodeDetails";
import { Fact } from "./Fact";
import { useWords } from "./language";
import type { Flow } from "./model";
import type { FlowSource } from "./source";
import type { Branch, FlowTree } from "./tree";
import { grouped } from "./words";

interface Props {
  readonly title: string;
  readonly flow: Flow;
  readonly tree: FlowTree;
  readonly branch: Branch | null;
  readonly source: FlowSource;
  readonly onGoTo: (id: string) => void;
}

/** What is known of the selected node, or of the flow before one is selected. */
export function NodePanel({ title, flow, tree, branch, source, onGoTo }: Props) {
  const words = useWords();
  return (
    <aside className="flow-panel" aria-label={words.details} tabIndex={0}>
      {branch ? (
        <NodeDetails flow={flow} tree={tree} branch={branch} source={source} onGoTo={onGoTo} />
      ) : (
        <>
          <p className="hint">{title}</p>
          <h2>{flow.name}</h2>
          <dl className="facts">
            <Fact name={words.support} value={grouped(flow.support)} />
            <Fact name={words.nodes} value={grouped(tree.size)} />
          </dl>
          <p className="hint">{words.chooseNode}</p>
        </>
      )}
    </aside>
  );
}
