import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { NodeIcon } from "./icons";
import { useWords } from "./language";
import type { Flow } from "./model";
import { kindOf, nameOf, roleOf, toneOf } from "./naming";
import type { Branch, FlowTree } from "./tree";

export type ActionNodeType = Node<
  {
    readonly branch: Branch;
    readonly tree: FlowTree;
    readonly flow: Flow;
    readonly isFolded: boolean;
    readonly isHit: boolean;
    readonly onToggle: (id: string) => void;
  },
  "action"
>;

/** The box of one node: who speaks, what it does, how many dialogues pass, and the fold of what follows. */
export function ActionNode({ data, selected }: NodeProps<ActionNodeType>) {
  const { branch, tree, flow, isFolded, isHit, onToggle } = data;
  const words = useWords();
  const kind = kindOf(branch);
  const { node, children, descendants } = branch;
  const classes = ["flow-node", `tone-${toneOf(branch)}`, `flow-node--${kind}`];
  if (selected) classes.push("is-selected");
  if (isHit) classes.push("is-hit");
  return (
    <div className={classes.join(" ")}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <span className="flow-node-role">
        <NodeIcon kind={kind} />
        {roleOf(branch, words)}
        <span className="flow-node-support">{words.dialogues(node.support)}</span>
      </span>
      <span className="flow-node-name" title={nameOf(branch, tree, flow, words)}>
        {nameOf(branch, tree, flow, words)}
      </span>
      {children.length > 0 && (
        <button
          type="button"
          className="flow-fold nopan"
          tabIndex={-1}
          aria-label={isFolded ? words.unfold(descendants) : words.fold}
          title={isFolded ? words.unfold(descendants) : words.fold}
          onClick={(event) => {
            event.stopPropagation();
            onToggle(node.id);
          }}
        >
          {isFolded ? `+${descendants}` : "−"}
        </button>
      )}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}
