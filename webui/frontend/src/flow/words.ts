import type { Language } from "../language";
import type { Speaker } from "./model";

const en = {
  locale: "en",
  loading: "Loading the flow…",
  failed: "The flow could not be loaded.",
  tryAgain: "Try again",
  empty: "This flow has no nodes yet.",
  flowTree: "Flow",
  draft: "Draft",
  version: (number: number) => `Version ${number}`,
  shownCount: (shown: number, all: number) => `${grouped(shown)} of ${grouped(all)} nodes shown`,
  search: "Search actions and examples",
  hits: (at: number, count: number) => (count === 0 ? "No match" : `${at} of ${count}`),
  previousHit: "Previous match",
  nextHit: "Next match",
  unfoldAll: "Unfold all",
  foldAll: "Fold all",
  fitView: "Fit to window",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  zoom: "Zoom",
  map: "Overview map",
  start: "Start",
  unnamed: "Unnamed action",
  speaker: { user: "Customer", agent: "Agent", system: "System" } as Record<Speaker, string>,
  dialogues: (count: number) => (count === 1 ? "1 dialogue" : `${grouped(count)} dialogues`),
  jump: "Goes on at",
  unfold: (count: number) => (count === 1 ? "Unfold 1 node" : `Unfold ${count} nodes`),
  fold: "Fold what follows",
  folded: (count: number) => (count === 1 ? "1 node folded" : `${count} nodes folded`),
  nodeKeys: "Enter shows the details, the arrow keys move along the tree, Space folds or unfolds.",
  details: "Details",
  chooseNode: "Choose a node to see what was said there, and where.",
  nodes: "Nodes",
  support: "Dialogues",
  shareHere: "After the step before",
  shareOfFlow: "Of the whole flow",
  responses: "Approved responses",
  exemplars: "What was said",
  next: "What comes next",
  times: (count: number) => `${count}×`,
  evidence: "Seen in these dialogues",
  noEvidence: "No dialogue is recorded for this node.",
  turn: (number: number) => `turn ${number}`,
  thisTurn: "This turn",
  more: (count: number) => `Show ${count} more`,
  loadingExcerpt: "Loading the dialogue…",
  excerptFailed: "The dialogue could not be loaded.",
  excerptMissing: "This dialogue is no longer stored.",
};

/** Everything that the flow page says. */
export type Words = typeof en;

const zh: Words = {
  locale: "zh-CN",
  loading: "正在载入流程…",
  failed: "流程未能载入。",
  tryAgain: "重试",
  empty: "这个流程还没有节点。",
  flowTree: "流程",
  draft: "草稿",
  version: (number) => `版本 ${number}`,
  shownCount: (shown, all) => `显示 ${grouped(shown)} / ${grouped(all)} 个节点`,
  search: "搜索动作和例句",
  hits: (at, count) => (count === 0 ? "没有结果" : `第 ${at} 个，共 ${count} 个`),
  previousHit: "上一个结果",
  nextHit: "下一个结果",
  unfoldAll: "全部展开",
  foldAll: "全部折叠",
  fitView: "适应窗口",
  zoomIn: "放大",
  zoomOut: "缩小",
  zoom: "缩放",
  map: "缩略图",
  start: "开始",
  unnamed: "未命名动作",
  speaker: { user: "客户", agent: "客服", system: "系统" },
  dialogues: (count) => `${grouped(count)} 段对话`,
  jump: "转到",
  unfold: (count) => `展开 ${count} 个节点`,
  fold: "折叠后续节点",
  folded: (count) => `已折叠 ${count} 个节点`,
  nodeKeys: "回车查看详情，方向键沿树移动，空格折叠或展开。",
  details: "详情",
  chooseNode: "选择一个节点，查看对话中的原话和出处。",
  nodes: "节点数",
  support: "对话数",
  shareHere: "占上一步",
  shareOfFlow: "占整个流程",
  responses: "已批准的回复",
  exemplars: "对话中的原话",
  next: "接下来",
  times: (count) => `${count} 次`,
  evidence: "出现在这些对话中",
  noEvidence: "这个节点没有对话记录。",
  turn: (number) => `第 ${number} 轮`,
  thisTurn: "当前轮次",
  more: (count) => `再显示 ${count} 段`,
  loadingExcerpt: "正在载入对话…",
  excerptFailed: "对话未能载入。",
  excerptMissing: "这段对话已不再保存。",
};

export const words: Readonly<Record<Language, Words>> = { en, zh };

/** A count with its thousands set apart, which both languages do alike. */
export function grouped(count: number): string {
  return count.toLocaleString("en");
}

/** A share of 0 to 1 as a reader of the language writes it; small shares keep one decimal. */
export function percent(share: number, { locale }: Words): string {
  const digits = share > 0 && share < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: digits }).format(share);
}
