export type Speaker = "user" | "agent" | "system";

/** One Dialogue Action at one place of a TaskFlow, as the server describes it. */
export interface FlowNode {
  readonly id: string;
  readonly parent: string | null;
  readonly speaker: Speaker | null;
  readonly action_id: string | null;
  readonly action: string | null;
  /** Dialogues that passed here. */
  readonly support: number;
  /** Share of the parent's dialogues that came here. */
  readonly probability: number;
  /** Where the dialogue goes on, for a leaf that stands for another node. */
  readonly jump_to: string | null;
  readonly responses: readonly string[];
  readonly exemplars: readonly Exemplar[];
  readonly evidence: readonly Evidence[];
}

export interface Exemplar {
  readonly text: string;
  readonly count: number;
}

/** Where a node was seen: a logged dialogue and the 0-based turn in it. */
export interface Evidence {
  readonly dialogue_id: string;
  readonly turn: number;
}

export interface Flow {
  readonly id: string;
  readonly name: string;
  readonly support: number;
  readonly nodes: readonly FlowNode[];
}

export interface FlowDocument {
  readonly assistant: string;
  /** The published version, or null for the draft. */
  readonly version: number | null;
  readonly flow: Flow;
}

/** The turns around a piece of evidence, with personal values masked. */
export interface Excerpt extends Evidence {
  readonly turns: readonly { readonly turn: number; readonly speaker: Speaker; readonly text: string }[];
}
