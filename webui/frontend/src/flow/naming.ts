import type { Flow, Speaker } from "./model";
import type { Branch, FlowTree } from "./tree";
import { type Words, percent } from "./words";

/** What a node shows as its sign. */
export function kindOf({ node }: Branch): Speaker | "start" | "jump" {
  if (node.jump_to !== null) return "jump";
  return node.speaker ?? "start";
}

/** Which of the speakers' colours a node wears, if any. */
export function toneOf({ node }: Branch): Speaker | "none" {
  return node.speaker ?? "none";
}

/** What a node is called; one that jumps bears the name of its target. */
export function nameOf({ node }: Branch, tree: FlowTree, flow: Flow, words: Words): string {
  const named = (node.jump_to !== null && tree.get(node.jump_to)?.node) || node;
  return named.action ?? (named.parent === null ? flow.name : words.unnamed);
}

/** Who speaks at a node, or what it is where nobody does. */
export function roleOf(branch: Branch, words: Words): string {
  const kind = kindOf(branch);
  if (kind === "jump") return words.jump;
  return kind === "start" ? words.start : words.speaker[kind];
}

/** A node in one sentence, for those who hear the tree. */
export function describeNode(branch: Branch, tree: FlowTree, isFolded: boolean, flow: Flow, words: Words): string {
  const parts = [
    `${roleOf(branch, words)}: ${nameOf(branch, tree, flow, words)}`,
    words.dialogues(branch.node.support),
    percent(branch.node.probability, words),
  ];
  if (isFolded) parts.push(words.folded(branch.descendants));
  return parts.join(", ");
}
