import type { Language } from "../language";
import type { ChatProblem } from "./server";

const en = {
  title: "Customer service",
  openChat: "Open the chat",
  openChatUnread: (count: number) =>
    `Open the chat, ${count} unread ${count === 1 ? "message" : "messages"}`,
  closeChat: "Close the chat",
  newConversation: "New conversation",
  messages: "Messages",
  greeting: "Hello! I am the automated assistant. How can I help you?",
  you: "You:",
  assistant: "Assistant:",
  writing: "The assistant is writing…",
  restoring: "Loading your conversation…",
  handedOff: "A colleague will take over.",
  replaced: "Your earlier conversation had ended, so this is a new one.",
  yourMessage: "Your message",
  placeholder: "Write a message…",
  send: "Send",
  choices: "Answers to choose from",
  sendPhoto: "Send a photo",
  photo: "Photo",
  photoSent: "Here is the photo.",
  sendingPhoto: "Sending your photo…",
  noPhoto: "This is not a photo that can be sent. Please choose another.",
  tryAgain: "Try again",
  change: "Change the message",
  unreachable: "We could not be reached. Check your connection and try again.",
  broken: "Something went wrong on our side. Please try again.",
  refused: "This message could not be sent.",
  busy: "That was a little fast. Please wait a moment and try again.",
  busyFor: (seconds: number) => `That was a little fast. Please try again in ${seconds} s.`,
};

/** Everything that the widget says. */
export type Words = typeof en;

const zh: Words = {
  title: "在线客服",
  openChat: "打开对话",
  openChatUnread: (count) => `打开对话，${count} 条未读消息`,
  closeChat: "关闭对话",
  newConversation: "新的对话",
  messages: "消息",
  greeting: "您好！我是自动客服助手，请问有什么可以帮您？",
  you: "您：",
  assistant: "客服：",
  writing: "对方正在输入…",
  restoring: "正在载入您的对话…",
  handedOff: "稍后由人工客服为您服务。",
  replaced: "之前的对话已结束，现在是新的对话。",
  yourMessage: "您的消息",
  placeholder: "请输入消息…",
  send: "发送",
  choices: "可选的回答",
  sendPhoto: "发送照片",
  photo: "照片",
  photoSent: "照片发您了。",
  sendingPhoto: "正在发送照片…",
  noPhoto: "无法发送这张照片，请换一张。",
  tryAgain: "重试",
  change: "修改消息",
  unreachable: "暂时无法连接，请检查网络后重试。",
  broken: "我们这边出了点问题，请重试。",
  refused: "这条消息未能发送。",
  busy: "发送得有点快，请稍后重试。",
  busyFor: (seconds) => `发送得有点快，请在 ${seconds} 秒后重试。`,
};

export const words: Readonly<Record<Language, Words>> = { en, zh };

/** What the customer reads of a problem: the server's own reason where it refused, else ours. */
export function describe(problem: ChatProblem, words: Words): string {
  switch (problem.kind) {
    case "unreachable":
      return words.unreachable;
    case "busy":
      return problem.seconds === null ? words.busy : words.busyFor(problem.seconds);
    case "refused":
      return problem.message || words.refused;
    case "gone":
    case "broken":
      return words.broken;
  }
}
