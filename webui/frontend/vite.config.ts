import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** What each `--mode` builds. A page loads a whole classic script or one style sheet, by a fixed name. */
const entries: Record<string, { input: string; format: "iife" | "es" }> = {
  // A style sheet alone has no script to wrap.
  pages: { input: "src/pages/pages.css", format: "es" },
  flow: { input: "src/flow/index.tsx", format: "iife" },
  widget: { input: "src/widget/index.ts", format: "iife" },
};

export default defineConfig(({ mode }) => {
  const { input, format } = entries[mode] ?? { input: "", format: "es" };
  return {
    plugins: [react()],
    publicDir: false,
    build: {
      outDir: "../static/dist",
      // The three builds share the folder, so none may empty it.
      emptyOutDir: false,
      modulePreload: false,
      // Off, a script's styles become a file of their own instead of a part of it.
      cssCodeSplit: format === "es",
      rolldownOptions: {
        input,
        output: { format, entryFileNames: `${mode}.js`, assetFileNames: `${mode}[extname]` },
      },
    },
    test: { include: ["tests/**/*.test.ts"] },
  };
});
