"""Names and descriptions of Dialogue Actions that people can read, in the words of the dialogues; no model is asked."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from typing import NamedTuple

from mining.description import Language, describe, language_of
from mining.discretion import Discretion
from mining.distinctive import Distinctive, Piece, is_han, sentences, tokens, typical, whole, words
from taskflow.model import ActionId, DialogueAction, Speaker

LONGEST = 64  # columns of a name; a Chinese character takes two
_MEDOID = 1.35  # how many times the worth of another has a part of the most typical wording
_MORE = 0.3  # and how much is added for all its words, if they are many
_OFTEN, _ALONE = 0.1, 0.5  # of an action's utterances a single word has to be, else it is worth half
_ASIDE = 0.7  # and how much less a clause amid a sentence
_BROKEN = 0.8  # and one that has to be cut
_BESIDE = 0.2  # what is worth less than so much of the most telling is beside the point
_JOINS = re.compile(r"^(?:(?:and|but|so|or)\s+|但是|但|不过|而且|所以)", re.IGNORECASE)
_CLAUSE = re.compile(r"\S.*?(?:[,;:](?=\s)|[，；：、]|\s[-–—]+(?=\s)|$)", re.DOTALL)
_MARKS = " \t\r\n.,;:。，；：、—–-"
_UNTOLD: Mapping[Language, str] = {"en": "seldom said", "zh": "很少说的话"}


def name_actions(
    actions: Sequence[DialogueAction], wordings: Mapping[ActionId, int], discretion: Discretion
) -> tuple[DialogueAction, ...]:
    """The actions by speaker, the most said first, each with a name that no other of its speaker has, and described.

    A name is a wording of the action, or a whole sentence or clause of one: what is the most telling and surely holds
    nobody's name. System calls and outcomes keep their names. `wordings` is how many each action has, kept or not.
    """
    language = language_of(actions)
    telling = {speaker: Distinctive([action for action in actions if action.speaker is speaker]) for speaker in Speaker}
    used: dict[Speaker, set[str]] = {speaker: set() for speaker in Speaker}
    named = []
    for action in sorted(actions, key=lambda action: (action.speaker, -action.support, action.id)):
        distinctive, taken = telling[action.speaker], used[action.speaker]
        fit = [action.name] if action.speaker is Speaker.SYSTEM else _names(action, distinctive, discretion, language)
        name = next((name for name in fit if name not in taken), None) or unused_name(fit[0], taken)
        taken.add(name)
        bearing = replace(action, name=name)
        told = describe(bearing, wordings[action.id], distinctive, discretion, language)
        named.append(replace(bearing, description=told))
    return tuple(named)


def unused_name(name: str, used: Collection[str]) -> str:
    """The name, numbered where others bear it."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(candidate for candidate in chain([name], numbered) if candidate not in used)


def width(text: str) -> int:
    """Columns: a wide letter takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _names(action: DialogueAction, distinctive: Distinctive, discretion: Discretion, language: Language) -> list[str]:
    """What the action may be called, the best first.

    Where all that is safe to tell is beside the point, words that may be names are left out of what is not.
    """
    values = _values(action, distinctive)
    ranked = sorted(values, key=lambda text: (-values[text], text))
    safe = [text for text in ranked if discretion.is_safe(text)]
    names = [text for text in safe if values[text] >= _BESIDE * values[ranked[0]]]
    if not names:
        names = [shown for text in ranked if _enough(shown := discretion.hide(text), text)] + safe
    return [_titled(name) for name in names] or [_UNTOLD[language]]


def _values(action: DialogueAction, distinctive: Distinctive) -> dict[str, float]:
    """How telling each part of the action's wordings is, in its commonest spelling."""
    values: dict[Piece, float] = {}
    said: defaultdict[Piece, Counter[str]] = defaultdict(Counter)
    for place, exemplar in enumerate(typical(action)):
        for part in _parts(exemplar.text):
            key = whole(part.text)
            value = distinctive.telling(action.id, part.text, part.sentence)
            if len(words(part.text)) == 1 and exemplar.count < _OFTEN * action.support:
                value *= _ALONE
            value = part.worth * (value if place else _MEDOID * value + _MORE * _share(part.text, exemplar.text))
            values[key] = max(values.get(key, value), value)
            said[key][part.text.strip(_MARKS)] += exemplar.count
    return {max(said[key], key=lambda text: (said[key][text], text)): value for key, value in values.items() if key[1:]}


def _share(part: str, text: str) -> float:
    """How much of a text a part is; a single word is not much of anything."""
    said = len(words(part))
    return said / max(len(words(text)), 1) * said / (said + 2)


def _enough(shown: str, text: str) -> bool:
    return 2 * len(tokens(shown)) >= len(tokens(text))


class _Part(NamedTuple):
    """What of a wording is short enough for a name; a clause knows its sentence."""

    text: str
    sentence: str | None = None
    worth: float = 1.0


def _parts(text: str) -> Iterator[_Part]:
    """All of it, its sentences, clauses of those that are too long."""
    line = " ".join(text.split())
    said = sentences(line)
    for part in dict.fromkeys([line, *said]):
        if width(part) <= LONGEST:
            yield _Part(part)
    for sentence in said:
        if width(sentence) > LONGEST:
            clauses = _CLAUSE.findall(sentence)
            yield from _runs(clauses, sentence)
            if width(clauses[0]) > LONGEST:
                yield _Part(_cut(sentence), sentence, _BROKEN)


def _runs(clauses: Sequence[str], sentence: str) -> Iterator[_Part]:
    """One clause or several in a row, as far as they fit."""
    for first in range(len(clauses)):
        for last in range(first, len(clauses)):
            run = _join(clauses[first : last + 1])
            if first:
                run = _JOINS.sub("", run)
            if width(run) <= LONGEST:
                yield _Part(run, sentence, _ASIDE if first else 1.0)


def _join(clauses: Sequence[str]) -> str:
    return "".join(clause if is_han(clause) or not place else f" {clause}" for place, clause in enumerate(clauses))


def _titled(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    """As much as fits; between words, where there are any."""
    taken, end = 0, 0
    for place, letter in enumerate(text):
        taken += width(letter)
        if taken > LONGEST:
            return text[: end or place].rstrip(_MARKS) + "…"
        if letter.isspace() or is_han(letter):
            end = place
    return text
