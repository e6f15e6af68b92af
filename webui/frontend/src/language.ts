/** The languages that the front end speaks. */
export const languages = ["en", "zh"] as const;
export type Language = (typeof languages)[number];

/** The language of the first tag that is given: any Chinese tag is "zh", every other one is served in English. */
export function chooseLanguage(...tags: (string | null | undefined)[]): Language {
  const tag = tags.find((candidate) => candidate)?.toLowerCase() ?? "en";
  return tag === "zh" || tag.startsWith("zh-") ? "zh" : "en";
}
