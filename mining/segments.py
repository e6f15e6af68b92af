"""Further actions of a turn: what follows its first sentence and is elsewhere a turn by itself.

"Your refund is booked. Anything else?" books a refund and asks for more. Clustering segments instead of turns made
clusters worse (docs/decisions.md), so the turn as a whole is its main action, and only sentences at its end that
stand alone often enough are further ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mining.wordings import Wording
from taskflow.model import ActionId, Speaker
from taskflow.texts import normalise, split_sentences

_ALONE = 3  # times that a sentence is a turn by itself, or a turn a turn

Key = tuple[Speaker, str]


def further_actions(
    wordings: Mapping[Speaker, Sequence[Wording]], of_wording: Mapping[Key, ActionId]
) -> dict[Key, tuple[ActionId, ...]]:
    """The further actions, in order, of every wording that has some."""
    found: dict[Key, tuple[ActionId, ...]] = {}
    for speaker in (Speaker.USER, Speaker.AGENT):
        often = {wording.key for wording in wordings[speaker] if wording.count >= _ALONE}
        for wording in wordings[speaker]:
            main = of_wording.get((speaker, wording.key))
            if main is not None and wording.key not in often:
                further = [of_wording.get((speaker, key)) for key in _trailing(wording.text, often)]
                kept = tuple(dict.fromkeys(action for action in further if action not in (None, main)))
                if kept:
                    found[speaker, wording.key] = kept
    return found


def _trailing(text: str, often: set[str]) -> list[str]:
    """The keys of the last sentences that stand alone elsewhere; the first sentence is never among them."""
    keys = [normalise(sentence) for sentence in split_sentences(text)][1:]
    start = len(keys)
    while start and keys[start - 1] in often:
        start -= 1
    return keys[start:]
