import { describe, expect, test } from "vitest";
import { NODE, edgeWidth, isInView, layOut, openingView } from "../src/flow/layout";
import type { FlowNode } from "../src/flow/model";
import {
  FlowTree,
  OPENING_NODES,
  foldsAt,
  openingFolds,
  search,
  shownBranches,
  stepFrom,
  unfoldTo,
} from "../src/flow/tree";

function node(id: string, parent: string | null, support = 1): FlowNode {
  const quiet = { jump_to: null, responses: [], exemplars: [], evidence: [], action_id: id };
  const speaker = parent === null ? null : "user";
  return { id, parent, support, probability: 1, speaker, action: `does ${id}`, ...quiet };
}

/** A tree in which the n-th node hangs below the (n / width)-th. */
function bush(size: number, width: number): FlowTree {
  return new FlowTree(
    Array.from({ length: size }, (_, n) => node(`n${n}`, n === 0 ? null : `n${Math.floor((n - 1) / width)}`, size - n)),
  );
}

const ids = (branches: Iterable<{ node: FlowNode }>) => [...branches].map((branch) => branch.node.id);

describe("a tree", () => {
  test("has the most travelled children first and counts what is below", () => {
    const tree = new FlowTree([node("a", null), node("b", "a", 2), node("c", "a", 5), node("d", "c")]);
    expect(ids(tree.root.children)).toEqual(["c", "b"]);
    expect(tree.root.descendants).toBe(3);
  });

  test.each([
    ["no root", [node("a", "b"), node("b", "a")]],
    ["two roots", [node("a", null), node("b", null)]],
    ["a missing parent", [node("a", null), node("b", "x")]],
    ["a circle", [node("a", null), node("b", "c"), node("c", "b")]],
  ])("is refused with %s", (_, nodes) => {
    expect(() => new FlowTree(nodes)).toThrow(/flow/);
  });

  test("may be thousands of turns deep", () => {
    const deep = bush(20_000, 1);
    expect(layOut(deep.root, new Set())).toHaveLength(20_000);
  });

  test("is walked from parent to child and between siblings, and ends at its edges", () => {
    const tree = bush(7, 3);
    const first = stepFrom(tree.root, "child")!;
    expect(stepFrom(first, "next")?.node.id).toBe("n2");
    expect(stepFrom(first, "previous")).toBeNull();
    expect(stepFrom(first, "parent")).toBe(tree.root);
    expect(stepFrom(tree.root, "next")).toBeNull();
  });
});

describe("folding", () => {
  test("a small flow opens whole, a large one with a readable part", () => {
    expect(openingFolds(bush(80, 3)).size).toBe(0);
    const tree = bush(2000, 3);
    expect(shownBranches(tree, openingFolds(tree)).length).toBeLessThanOrEqual(OPENING_NODES);
  });

  test("a root with hundreds of children opens with its first level", () => {
    const tree = bush(400, 300);
    expect(shownBranches(tree, openingFolds(tree))).toHaveLength(301);
  });

  test("unfolding to a node shows it and its siblings' folds stay", () => {
    const tree = bush(200, 3);
    const folded = unfoldTo(tree.get("n150")!, foldsAt(tree, 1));
    expect(ids(shownBranches(tree, folded))).toContain("n150");
    expect(folded.has("n2")).toBe(true);
  });
});

describe("the layout", () => {
  test("puts children right of their parents and lets no boxes overlap", () => {
    const placed = layOut(bush(300, 4).root, new Set());
    const byId = new Map(placed.map((place) => [place.branch.node.id, place]));
    for (const { branch, x } of placed) {
      if (branch.parent) expect(x).toBeGreaterThanOrEqual(byId.get(branch.parent.node.id)!.x + NODE.width);
    }
    const columns = Map.groupBy(placed, (place) => place.x);
    for (const column of columns.values()) {
      const tops = column.map((place) => place.y).sort((a, b) => a - b);
      tops.slice(1).forEach((top, n) => expect(top - tops[n]!).toBeGreaterThanOrEqual(NODE.height));
    }
  });

  test.each([3, 2000])("opens with the root in view at a readable size (%i nodes)", (size) => {
    const canvas = { width: 900, height: 600 };
    const placed = layOut(bush(size, 3).root, new Set());
    const view = openingView(placed, canvas);
    expect(view.zoom).toBeGreaterThanOrEqual(0.7);
    expect(isInView(placed[0]!, view, canvas)).toBe(true);
  });

  test("draws a line the wider, the more dialogues take it", () => {
    expect(edgeWidth(10, 100)).toBeLessThan(edgeWidth(90, 100));
    expect(Number.isFinite(edgeWidth(0, 0))).toBe(true);
  });
});

test("search looks at actions, responses and what was said, whatever the case", () => {
  const said = { ...node("b", "a"), exemplars: [{ text: "包裹还没到 Parcel?", count: 3 }] };
  const tree = new FlowTree([node("a", null), said]);
  expect(ids(search(tree, " PARCEL "))).toEqual(["b"]);
  expect(ids(search(tree, "还没到"))).toEqual(["b"]);
  expect(ids(search(tree, "does a"))).toEqual(["a"]);
  expect(search(tree, " ")).toEqual([]);
});
