import { createContext, useContext } from "react";
import { type Words, words } from "./words";

export const WordsContext = createContext<Words>(words.en);

export const useWords = (): Words => useContext(WordsContext);
