import { describe, expect, test } from "vitest";
import { percent, words as flowWords } from "../src/flow/words";
import { chooseLanguage } from "../src/language";
import { words as chatWords } from "../src/widget/words";

/** Every text under its path, functions called with telling arguments. */
function texts(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (typeof value === "function") return [[path, String(value(...[41, 97].slice(0, value.length)))]];
  return Object.entries(value as object).flatMap(([key, inner]) => texts(inner, `${path}.${key}`));
}

describe.each([
  ["widget", chatWords],
  ["flow page", flowWords],
])("the %s", (_, { en, zh }) => {
  const chinese = new Map(texts(zh));

  test.each(texts(en).filter(([path]) => path !== ".locale"))("says %s in both languages", (path, english) => {
    const translated = chinese.get(path) ?? "";
    expect(english).not.toMatch(/\p{Script=Han}/u);
    expect(translated).toMatch(/\p{Script=Han}/u);
    // A number that one language tells, the other tells too.
    expect(translated.match(/\d+/g)?.toSorted()).toEqual(english.match(/\d+/g)?.toSorted());
  });

  test("says nothing in one language alone", () => {
    expect(texts(zh).map(([path]) => path)).toEqual(texts(en).map(([path]) => path));
  });
});

test("the page's language decides where the script tag names none", () => {
  expect(chooseLanguage(undefined, "zh-Hant-TW")).toBe("zh");
  expect(chooseLanguage("en", "zh")).toBe("en");
  expect(chooseLanguage("", "fr")).toBe("en");
  expect(chooseLanguage(null, "")).toBe("en");
});

test("shares under a tenth keep one decimal", () => {
  const written = [0, 0.004, 0.062, 0.5, 1].map((share) => percent(share, flowWords.en));
  expect(written).toEqual(["0%", "0.4%", "6.2%", "50%", "100%"]);
});
