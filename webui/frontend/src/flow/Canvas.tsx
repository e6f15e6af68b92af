import {
  type AriaLabelConfig,
  Controls,
  MiniMap,
  type NodeMouseHandler,
  Panel,
  ReactFlow,
  useReactFlow,
  useStoreApi,
} from "@xyflow/react";
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { ActionNode, type ActionNodeType } from "./ActionNode";
import { SupportEdge, type SupportEdgeType } from "./SupportEdge";
import { useWords } from "./language";
import { NODE, type Placed, READABLE_ZOOM, isInView, layOut, openingView } from "./layout";
import type { Flow } from "./model";
import { describeNode, kindOf, toneOf } from "./naming";
import { type Branch, type FlowTree, type Step, stepFrom } from "./tree";
import type { Words } from "./words";

/** Above this many nodes the overview map costs more than it tells. */
const MAPPABLE_NODES = 1000;
const MAP = { width: 140, height: 96 };
const nodeTypes = { action: ActionNode };
const edgeTypes = { support: SupportEdge };
const steps: Record<string, Step> = {
  ArrowLeft: "parent",
  ArrowRight: "child",
  ArrowUp: "previous",
  ArrowDown: "next",
};

/** A node that has to come into view; a new object each time that it is asked for. */
export interface Goal {
  readonly id: string;
  readonly focus: boolean;
}

interface Props {
  readonly flow: Flow;
  readonly tree: FlowTree;
  readonly folded: ReadonlySet<string>;
  readonly selected: string | null;
  readonly hits: readonly Branch[];
  readonly goal: Goal | null;
  readonly onSelect: (id: string, focus: boolean) => void;
  readonly onReveal: (id: string, focus: boolean) => void;
  readonly onToggle: (id: string) => void;
}

/** The drawn tree, to be panned with the pointer and walked with the arrow keys. */
export function Canvas({ flow, tree, folded, selected, hits, goal, onSelect, onReveal, onToggle }: Props) {
  const words = useWords();
  const canvas = useRef<HTMLDivElement>(null);
  // The one node that Tab reaches; the arrow keys go on from there.
  const [current, setCurrent] = useState(tree.root.node.id);
  const placed = useMemo(() => layOut(tree.root, folded), [tree, folded]);
  const hitIds = useMemo(() => new Set(hits.map((branch) => branch.node.id)), [hits]);

  const view = useReactFlow();
  const store = useStoreApi();
  const opened = useRef(false);
  const held = useRef<Placed | null>(null);

  /** Folds or unfolds under the pointer: the tree moves around the node, not the node away. */
  const toggle = useCallback(
    (id: string) => {
      held.current = placed.find(({ branch }) => branch.node.id === id) ?? null;
      onToggle(id);
    },
    [placed, onToggle],
  );
  useLayoutEffect(() => {
    const before = held.current;
    const after = before && placed.find(({ branch }) => branch === before.branch);
    held.current = null;
    if (!after) return;
    const { x, y, zoom } = view.getViewport();
    void view.setViewport({ x: x + (before.x - after.x) * zoom, y: y + (before.y - after.y) * zoom, zoom });
  }, [placed, view]);

  const nodes = useMemo(
    () =>
      placed.map(({ branch, x, y }): ActionNodeType => {
        const { id } = branch.node;
        const isFolded = folded.has(id);
        return {
          id,
          type: "action",
          position: { x, y },
          ...NODE,
          selected: id === selected,
          ariaLabel: describeNode(branch, tree, isFolded, flow, words),
          domAttributes: { tabIndex: id === current ? 0 : -1 },
          data: { branch, tree, flow, isFolded, isHit: hitIds.has(id), onToggle: toggle },
        };
      }),
    [placed, tree, flow, folded, selected, current, hitIds, words, toggle],
  );
  const edges = useMemo(() => placed.flatMap(({ branch }) => edgeTo(branch, flow)), [placed, flow]);

  useEffect(() => {
    if (!goal) return;
    const place = placed.find(({ branch }) => branch.node.id === goal.id);
    if (!place) return;
    setCurrent(goal.id);
    let isWanted = true;
    // Nodes come and go while the view moves, so the canvas holds the keyboard until it rests.
    if (goal.focus) canvas.current?.focus({ preventScroll: true });
    const zoom = Math.max(view.getZoom(), READABLE_ZOOM);
    const moved = isInView(place, view.getViewport(), store.getState())
      ? Promise.resolve(true)
      : view.setCenter(place.x + NODE.width / 2, place.y + NODE.height / 2, { zoom, ...motion() });
    void moved.then(() => {
      if (isWanted && goal.focus) focusOnceDrawn(canvas.current, goal.id);
    });
    return () => {
      isWanted = false;
    };
    // Only a new goal moves the view: folding a subtree later must not pull it back.
  }, [goal]);

  const onKeyDown = (event: KeyboardEvent) => {
    const id = event.target === canvas.current ? current : (event.target as Element).getAttribute("data-id");
    const branch = id === null ? undefined : tree.get(id);
    if (!branch) return;
    const step = steps[event.key];
    if (step) {
      const next = stepFrom(branch, step);
      if (next) onReveal(next.node.id, true);
    } else if (event.key === "Enter") {
      onSelect(destination(branch, tree), true);
    } else if (event.key === " " && branch.children.length > 0) {
      toggle(branch.node.id);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const onNodeClick: NodeMouseHandler<ActionNodeType> = (_, { data }) => {
    onSelect(destination(data.branch, tree), false);
  };

  return (
    <div className="flow-canvas" ref={canvas} tabIndex={-1} onKeyDownCapture={onKeyDown}>
      <ReactFlow<ActionNodeType, SupportEdgeType>
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        onInit={({ setViewport }) => {
          if (opened.current) return;
          opened.current = true;
          if (!goal) void setViewport(openingView(placed, store.getState()));
        }}
        onNodeClick={onNodeClick}
        onlyRenderVisibleElements
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        deleteKeyCode={null}
        selectionKeyCode={null}
        multiSelectionKeyCode={null}
        panActivationKeyCode={null}
        panOnScroll
        minZoom={0.05}
        maxZoom={1.5}
        ariaLabelConfig={ariaLabels(words)}
        aria-label={`${words.flowTree}: ${flow.name}`}
      >
        <Panel position="top-left" className="flow-count">
          {words.shownCount(placed.length, tree.size)}
        </Panel>
        <Controls showInteractive={false} fitViewOptions={{ padding: 0.1, ...motion() }} />
        {placed.length < MAPPABLE_NODES && (
          <MiniMap<ActionNodeType>
            pannable
            zoomable
            style={MAP}
            nodeClassName={({ data }) => `tone-${toneOf(data.branch)}`}
          />
        )}
      </ReactFlow>
    </div>
  );
}

function edgeTo(branch: Branch, flow: Flow): SupportEdgeType[] {
  const { parent, node } = branch;
  if (!parent) return [];
  return [
    {
      id: `to ${node.id}`,
      type: "support",
      source: parent.node.id,
      target: node.id,
      // The nodes say what their lines show.
      domAttributes: { "aria-hidden": true },
      data: { support: node.support, probability: node.probability, flow, isJump: kindOf(branch) === "jump" },
    },
  ];
}

/** Where choosing a node leads: a jump leads to the node that it stands for. */
function destination({ node }: Branch, tree: FlowTree): string {
  return node.jump_to !== null && tree.get(node.jump_to) ? node.jump_to : node.id;
}

/** Hands the keyboard from the canvas to a node, as soon as that is drawn and unless it has gone elsewhere. */
function focusOnceDrawn(canvas: HTMLElement | null, id: string, framesLeft = 30): void {
  if (document.activeElement !== canvas || framesLeft === 0) return;
  canvas?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  requestAnimationFrame(() => focusOnceDrawn(canvas, id, framesLeft - 1));
}

function motion() {
  return { interpolate: "linear" as const, duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250 };
}

function ariaLabels(words: Words): Partial<AriaLabelConfig> {
  return {
    "node.a11yDescription.default": words.nodeKeys,
    "node.a11yDescription.keyboardDisabled": words.nodeKeys,
    "edge.a11yDescription.default": "",
    "controls.ariaLabel": words.zoom,
    "controls.zoomIn.ariaLabel": words.zoomIn,
    "controls.zoomOut.ariaLabel": words.zoomOut,
    "controls.fitView.ariaLabel": words.fitView,
    "minimap.ariaLabel": words.map,
  };
}
