import type { FlowNode } from "./model";

/** Above this many nodes a flow opens folded. */
export const UNFOLDED_NODES = 80;
/** So many nodes a folded flow shows at most when it opens, if its first level is no larger. */
export const OPENING_NODES = 32;

/** A node with its place among the others. */
export interface Branch {
  readonly node: FlowNode;
  readonly parent: Branch | null;
  /** The most travelled first. */
  readonly children: readonly Branch[];
  readonly depth: number;
  /** Nodes below this one. */
  readonly descendants: number;
}

/** A flow's nodes as a tree. */
export class FlowTree {
  readonly root: Branch;
  readonly #branches = new Map<string, Branch>();

  /** Throws where the nodes are not one tree. */
  constructor(nodes: readonly FlowNode[]) {
    const byParent = Map.groupBy(nodes, (node) => node.parent);
    const [root, ...others] = byParent.get(null) ?? [];
    if (!root || others.length > 0) throw new Error("A flow has exactly one node without a parent.");
    this.root = this.#grow(root, byParent);
    if (this.size !== nodes.length) throw new Error("Every node of a flow hangs below its root.");
  }

  get size(): number {
    return this.#branches.size;
  }

  get(id: string): Branch | undefined {
    return this.#branches.get(id);
  }

  /** Every branch, parents before their children. */
  all(): Branch[] {
    return [...this.#branches.values()];
  }

  // Children first would need recursion, which a flow thousands of turns deep would overflow; so parents come first
  // and the counts are added up on the way back.
  #grow(root: FlowNode, byParent: Map<string | null, FlowNode[]>): Branch {
    type Growing = Branch & { children: Growing[]; parent: Growing | null; descendants: number };
    const plant = (node: FlowNode, parent: Growing | null): Growing => {
      const branch = { node, parent, children: [], depth: parent ? parent.depth + 1 : 0, descendants: 0 };
      this.#branches.set(node.id, branch);
      return branch;
    };
    const order = [plant(root, null)];
    for (const branch of order) {
      const children = (byParent.get(branch.node.id) ?? []).toSorted((a, b) => b.support - a.support);
      branch.children = children.map((child) => plant(child, branch));
      order.push(...branch.children);
    }
    for (const branch of order.toReversed()) {
      if (branch.parent) branch.parent.descendants += branch.descendants + 1;
    }
    return order[0]!;
  }
}

export function ancestors(branch: Branch): Branch[] {
  const path: Branch[] = [];
  for (let above = branch.parent; above; above = above.parent) path.push(above);
  return path;
}

/** The ids to fold so that a large flow opens with as many whole levels as can be read, and at least one. */
export function openingFolds(tree: FlowTree): ReadonlySet<string> {
  if (tree.size <= UNFOLDED_NODES) return new Set();
  const levels = Map.groupBy(tree.all(), (branch) => branch.depth);
  let shown = 1;
  let depth = 0;
  while (depth === 0 || shown + (levels.get(depth + 1)?.length ?? 0) <= OPENING_NODES) {
    depth += 1;
    shown += levels.get(depth)?.length ?? 0;
  }
  return foldsAt(tree, depth);
}

/** The ids to fold so that nothing below a depth shows. */
export function foldsAt(tree: FlowTree, depth: number): ReadonlySet<string> {
  const folded = tree.all().filter((branch) => branch.depth >= depth && branch.children.length > 0);
  return new Set(folded.map((branch) => branch.node.id));
}

/** The branches that no folded one hides. */
export function shownBranches(tree: FlowTree, folded: ReadonlySet<string>): Branch[] {
  const shown = [tree.root];
  for (const branch of shown) {
    if (!folded.has(branch.node.id)) shown.push(...branch.children);
  }
  return shown;
}

/** The folds that are left when a branch has to show. */
export function unfoldTo(branch: Branch, folded: ReadonlySet<string>): ReadonlySet<string> {
  const inTheWay = ancestors(branch).filter((above) => folded.has(above.node.id));
  if (inTheWay.length === 0) return folded;
  const rest = new Set(folded);
  for (const above of inTheWay) rest.delete(above.node.id);
  return rest;
}

export type Step = "parent" | "child" | "previous" | "next";

/** The branch one step away; siblings end at the first and the last. */
export function stepFrom(branch: Branch, step: Step): Branch | null {
  if (step === "parent") return branch.parent;
  if (step === "child") return branch.children[0] ?? null;
  const siblings = branch.parent?.children ?? [];
  return siblings[siblings.indexOf(branch) + (step === "next" ? 1 : -1)] ?? null;
}

/** The branches whose action, responses or exemplars hold the words, from the root outwards. */
export function search(tree: FlowTree, words: string): Branch[] {
  const wanted = words.trim().toLocaleLowerCase();
  if (!wanted) return [];
  return tree.all().filter(({ node }) => {
    const texts = [node.action ?? "", ...node.responses, ...node.exemplars.map((exemplar) => exemplar.text)];
    return texts.some((text) => text.toLocaleLowerCase().includes(wanted));
  });
}
