import { useCallback, useId, useState } from "react";
import { useWords } from "./language";
import type { Evidence, Excerpt, FlowNode } from "./model";
import type { FlowSource } from "./source";
import { useLoaded } from "./useLoaded";

/** How many dialogues are listed before the reader asks for more, and how many more then. */
const PAGE = 12;

/** The dialogues in which a node was seen; each opens its excerpt. */
export function EvidenceList({ node, source }: { node: FlowNode; source: FlowSource }) {
  const words = useWords();
  const [listed, setListed] = useState(PAGE);
  const [opened, setOpened] = useState<string | null>(null);
  if (node.evidence.length === 0) return <p className="hint">{words.noEvidence}</p>;
  const rest = node.evidence.length - listed;
  return (
    <>
      <ul className="flow-evidence">
        {node.evidence.slice(0, listed).map((evidence) => {
          const key = keyOf(evidence);
          const toggle = () => setOpened(opened === key ? null : key);
          return (
            <EvidenceItem
              key={key}
              nodeId={node.id}
              evidence={evidence}
              source={source}
              isOpen={opened === key}
              onToggle={toggle}
            />
          );
        })}
      </ul>
      {rest > 0 && (
        <button
          type="button"
          className="button button--quiet button--small"
          onClick={() => setListed(listed + PAGE)}
        >
          {words.more(Math.min(rest, PAGE))}
        </button>
      )}
    </>
  );
}

interface ItemProps {
  readonly nodeId: string;
  readonly evidence: Evidence;
  readonly source: FlowSource;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function EvidenceItem({ nodeId, evidence, source, isOpen, onToggle }: ItemProps) {
  const words = useWords();
  const excerptId = useId();
  return (
    <li>
      <button type="button" aria-expanded={isOpen} aria-controls={isOpen ? excerptId : undefined} onClick={onToggle}>
        <span className="flow-dialogue-id">{evidence.dialogue_id}</span>
        <span className="flow-times">{words.turn(evidence.turn + 1)}</span>
      </button>
      {isOpen && (
        <div id={excerptId} className="flow-excerpt">
          <ExcerptText nodeId={nodeId} evidence={evidence} source={source} />
        </div>
      )}
    </li>
  );
}

function ExcerptText({ nodeId, evidence, source }: Omit<ItemProps, "isOpen" | "onToggle">) {
  const words = useWords();
  const load = useCallback((signal: AbortSignal) => source.excerpts(nodeId, signal), [source, nodeId]);
  const loaded = useLoaded(load);
  if (loaded.state === "loading") return <p role="status">{words.loadingExcerpt}</p>;
  if (loaded.state === "failed") {
    return (
      <p role="alert">
        {words.excerptFailed} {loaded.reason}{" "}
        <button type="button" className="button button--quiet button--small" onClick={loaded.retry}>
          {words.tryAgain}
        </button>
      </p>
    );
  }
  const excerpt = loaded.value.find((candidate) => keyOf(candidate) === keyOf(evidence));
  return excerpt ? <Turns excerpt={excerpt} /> : <p>{words.excerptMissing}</p>;
}

function Turns({ excerpt }: { excerpt: Excerpt }) {
  const words = useWords();
  return (
    <ol className="flow-turns">
      {excerpt.turns.map(({ turn, speaker, text }) => {
        const isHere = turn === excerpt.turn;
        return (
          <li key={turn} className={isHere ? "is-here" : ""} aria-current={isHere ? "true" : undefined}>
            <span className={`flow-turn-speaker tone-${speaker}`}>
              {words.speaker[speaker]}
              {isHere && <span className="badge">{words.thisTurn}</span>}
            </span>
            <span dir="auto">{text}</span>
          </li>
        );
      })}
    </ol>
  );
}

function keyOf({ dialogue_id, turn }: Evidence): string {
  return `${turn} ${dialogue_id}`;
}
