import type { ReactNode } from "react";
import type { Speaker } from "./model";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="flow-icon" viewBox="0 0 24 24" aria-hidden="true">
      {children}
    </svg>
  );
}

const speakers: Record<Speaker | "start" | "jump", ReactNode> = {
  user: <path d="M12 12a4 4 0 100-8 4 4 0 000 8zM4.5 20a7.5 7.5 0 0115 0" />,
  agent: <path d="M4 14v-2a8 8 0 0116 0v2M4 13h3v6H4zM17 13h3v6h-3zM20 19c0 1.5-2 2-5 2" />,
  system: <path d="M4 5h16v6H4zM4 13h16v6H4zM8 8h.01M8 16h.01" />,
  start: <path d="M7 4v16l12-8z" />,
  jump: <path d="M4 6v6a4 4 0 004 4h11M15 12l4 4-4 4" />,
};

/** The sign of a speaker, of the flow's start, or of a jump to another node. */
export function NodeIcon({ kind }: { kind: Speaker | "start" | "jump" }) {
  return <Icon>{speakers[kind]}</Icon>;
}

export const ChevronUp = () => (
  <Icon>
    <path d="M6 15l6-6 6 6" />
  </Icon>
);

export const ChevronDown = () => (
  <Icon>
    <path d="M6 9l6 6 6-6" />
  </Icon>
);
