import { EvidenceList } from "./EvidenceList";
import { Fact } from "./Fact";
import { NodeIcon } from "./icons";
import { useWords } from "./language";
import { kindOf, nameOf, roleOf, toneOf } from "./naming";
import type { Flow } from "./model";
import type { FlowSource } from "./source";
import type { Branch, FlowTree } from "./tree";
import { grouped, percent } from "./words";

interface Props {
  readonly flow: Flow;
  readonly tree: FlowTree;
  readonly branch: Branch;
  readonly source: FlowSource;
  readonly onGoTo: (id: string) => void;
}

/** The selected node: its figures, what is said there, what comes next, and where it was seen. */
export function NodeDetails({ flow, tree, branch, source, onGoTo }: Props) {
  const words = useWords();
  const { node, parent } = branch;
  return (
    <>
      <span className={`badge badge--${toneOf(branch)}`}>
        <NodeIcon kind={kindOf(branch)} />
        {roleOf(branch, words)}
      </span>
      <h2>{nameOf(branch, tree, flow, words)}</h2>
      <dl className="facts">
        <Fact name={words.support} value={grouped(node.support)} />
        {parent && <Fact name={words.shareHere} value={percent(node.probability, words)} />}
        <Fact name={words.shareOfFlow} value={percent(node.support / Math.max(1, flow.support), words)} />
      </dl>
      {node.responses.length > 0 && (
        <section>
          <h3>{words.responses}</h3>
          <ul className="flow-quotes">
            {node.responses.map((response) => (
              <li key={response} dir="auto">
                {response}
              </li>
            ))}
          </ul>
        </section>
      )}
      {node.exemplars.length > 0 && (
        <section>
          <h3>{words.exemplars}</h3>
          <ul className="flow-exemplars">
            {node.exemplars.map(({ text, count }) => (
              <li key={text}>
                <span dir="auto">{text}</span>
                <span className="flow-times">{words.times(count)}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {branch.children.length > 0 && (
        <section>
          <h3>{words.next}</h3>
          <ul className="flow-next">
            {branch.children.map((child) => (
              <li key={child.node.id}>
                <button type="button" onClick={() => onGoTo(child.node.id)}>
                  <NodeIcon kind={kindOf(child)} />
                  <span>{nameOf(child, tree, flow, words)}</span>
                  <span className="flow-times">{percent(child.node.probability, words)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section>
        <h3>{words.evidence}</h3>
        <EvidenceList node={node} source={source} />
      </section>
    </>
  );
}
