import { hierarchy, tree as tidyTree } from "d3-hierarchy";
import type { Branch } from "./tree";

/** The size of a node's box and the room between boxes, in pixels at zoom 1. */
export const NODE = { width: 232, height: 76 };
const GAP = { across: 112, between: 16 };

export interface Placed {
  readonly branch: Branch;
  /** The upper left corner. */
  readonly x: number;
  readonly y: number;
}

/** Places the shown branches as a tidy tree that grows from left to right. */
export function layOut(root: Branch, folded: ReadonlySet<string>): Placed[] {
  const shown = hierarchy(root, (branch) => (folded.has(branch.node.id) ? [] : branch.children));
  const place = tidyTree<Branch>()
    .nodeSize([NODE.height + GAP.between, NODE.width + GAP.across])
    .separation(() => 1);
  // d3 grows downwards: its x runs along a level and its y from level to level.
  return place(shown)
    .descendants()
    .map(({ data, x, y }) => ({ branch: data, x: y, y: x }));
}

export interface Canvas {
  readonly width: number;
  readonly height: number;
}

export interface View {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/** Below this zoom the words in a node can no longer be read. */
export const READABLE_ZOOM = 0.75;
const MARGIN = 32;

/** What a canvas shows first: the whole tree where it can be read whole, else its root at the left edge. */
export function openingView(placed: readonly Placed[], canvas: Canvas): View {
  const { top, bottom, right } = extent(placed);
  const fitting = Math.min((canvas.width - 2 * MARGIN) / right, (canvas.height - 2 * MARGIN) / (bottom - top), 1);
  if (fitting >= READABLE_ZOOM) {
    const middle = (top + bottom) / 2;
    return { x: (canvas.width - right * fitting) / 2, y: canvas.height / 2 - middle * fitting, zoom: fitting };
  }
  const root = (placed[0]?.y ?? 0) + NODE.height / 2;
  return { x: MARGIN, y: canvas.height / 2 - root * READABLE_ZOOM, zoom: READABLE_ZOOM };
}

/** Whether a placed node lies wholly inside what the canvas shows. */
export function isInView({ x, y }: Placed, view: View, canvas: Canvas): boolean {
  const left = x * view.zoom + view.x;
  const top = y * view.zoom + view.y;
  const right = left + NODE.width * view.zoom;
  const bottom = top + NODE.height * view.zoom;
  return left >= 0 && top >= 0 && right <= canvas.width && bottom <= canvas.height;
}

/** The width of the line to a node, in pixels: it grows with the share of the flow's dialogues that take it. */
export function edgeWidth(support: number, flowSupport: number): number {
  return 1.5 + 10 * Math.min(1, support / Math.max(1, flowSupport));
}

function extent(placed: readonly Placed[]): { top: number; bottom: number; right: number } {
  let [top, bottom, right] = [0, 0, 0];
  for (const { x, y } of placed) {
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + NODE.height);
    right = Math.max(right, x + NODE.width);
  }
  return { top, bottom, right };
}
