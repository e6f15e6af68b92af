import { createRoot } from "react-dom/client";
import { chooseLanguage } from "../language";
import { FlowPage } from "./FlowPage";
import { WordsContext } from "./language";
import { FlowSource } from "./source";
import { words } from "./words";
import "@xyflow/react/dist/base.css";
import "./flow.css";

const mount = document.getElementById("flow");
if (mount?.dataset.source) {
  const language = chooseLanguage(mount.dataset.lang, document.documentElement.lang);
  // The server's plain list gives way to the drawing, and comes back where the drawing cannot be had.
  const fallback = [...mount.childNodes];
  createRoot(mount).render(
    <WordsContext value={words[language]}>
      <FlowPage source={new FlowSource(mount.dataset.source)} fallback={fallback} />
    </WordsContext>,
  );
}
