import { BaseEdge, type Edge, type EdgeProps, getBezierPath } from "@xyflow/react";
import { useWords } from "./language";
import { edgeWidth } from "./layout";
import type { Flow } from "./model";
import { percent } from "./words";

export type SupportEdgeType = Edge<
  { readonly support: number; readonly probability: number; readonly flow: Flow; readonly isJump: boolean },
  "support"
>;

/** A line as wide as its share of the flow's dialogues, with the share of its parent's written before its end. */
export function SupportEdge({ data, sourceX, sourceY, targetX, targetY, ...edge }: EdgeProps<SupportEdgeType>) {
  const words = useWords();
  const { sourcePosition, targetPosition } = edge;
  const [path] = getBezierPath({ sourceX, sourceY, sourcePosition, targetX, targetY, targetPosition });
  if (!data) return null;
  return (
    <BaseEdge
      path={path}
      className={data.isJump ? "flow-edge is-jump" : "flow-edge"}
      style={{ strokeWidth: edgeWidth(data.support, data.flow.support) }}
      label={percent(data.probability, words)}
      labelX={targetX - 26}
      labelY={targetY}
      labelBgPadding={[4, 2]}
      labelBgBorderRadius={4}
    />
  );
}
