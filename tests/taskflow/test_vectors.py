"""Vectors are kept once for each encoder, and a text's vector is the same however it came to be kept."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import func, select

from taskflow.encoders import EncoderError, unit_rows
from taskflow.model import AssistantVersion, Speaker
from taskflow.retrieval import exemplar_texts
from taskflow.store.indexes import build_index
from taskflow.store.schema import VectorRow
from taskflow.store.vectors import encode_batch, vectors_of


class LetterCounts:
    """A small real encoder: how often each letter stands in a text. It remembers what it was asked."""

    dimension = 26

    def __init__(self, name="letters", fails_after=None):
        self.name = name
        self.asked = []
        self._fails_after = fails_after

    def encode(self, texts):
        if self._fails_after is not None and len(self.asked) >= self._fails_after:
            raise EncoderError("the power went out")
        self.asked += texts
        counts = [[text.count(chr(97 + letter)) for letter in range(26)] for text in texts]
        return unit_rows(np.array(counts, dtype=np.float32).reshape(-1, 26))


def stored(database):
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(VectorRow))


def test_rows_are_unit_vectors_in_the_order_of_the_texts(database, encoder):
    texts = ["my cup is broken", "", "包裹还没到", "my cup is broken"]
    rows = vectors_of(database, encoder, texts)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, encoder.encode(texts), atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[3])


def test_a_text_is_encoded_and_stored_once(database):
    encoder = LetterCounts()
    vectors_of(database, encoder, ["one", "two", "one"])
    vectors_of(database, encoder, ["two", "three"])
    assert encoder.asked == ["one", "two", "three"]
    assert stored(database) == 3


def test_batches_that_are_encoded_elsewhere_come_back_in_order(database):
    encoder, elsewhere = LetterCounts(), LetterCounts()
    texts = [f"{chr(97 + number % 26)} {number}" for number in range(4_500)]
    vectors_of(database, encoder, texts[:10])

    def ahead(batches):
        """All batches are open before the first is done, as where several processes encode."""
        return [encode_batch(elsewhere, batch) for batch in list(batches)]

    table = np.empty((len(texts), 26), np.float32)
    found = vectors_of(database, encoder, texts, encode=ahead, into=table)
    assert found is table
    np.testing.assert_array_equal(found, vectors_of(database, LetterCounts(), texts))
    assert (encoder.asked, elsewhere.asked) == (texts[:10], texts[10:])
    assert stored(database) == len(texts)


def test_the_first_reading_is_the_same_as_every_later_one(database, encoder):
    texts = ["my cup is broken", "where is my parcel?"]
    np.testing.assert_array_equal(vectors_of(database, encoder, texts), vectors_of(database, encoder, texts))
    with database.read() as session:
        sizes = {len(row) for row in session.scalars(select(VectorRow.vector))}
    assert sizes == {encoder.dimension * 2}, "two bytes a number"


def test_another_encoder_is_kept_apart(database):
    first, second = LetterCounts("first"), LetterCounts("second")
    vectors_of(database, first, ["one"])
    vectors_of(database, second, ["one"])
    assert (first.asked, second.asked, stored(database)) == (["one"], ["one"], 2)


def test_what_was_done_before_an_interruption_is_kept(database):
    texts = [f"text {number}" for number in range(4500)]
    broken = LetterCounts(fails_after=4000)
    with pytest.raises(EncoderError, match="the power went out"):
        vectors_of(database, broken, texts)
    assert stored(database) == 4000
    whole, seen = LetterCounts(), []
    rows = vectors_of(database, whole, texts, lambda done, total: seen.append((done, total)))
    assert whole.asked == texts[4000:]
    assert seen == [(2000, 4500), (4000, 4500), (4500, 4500)]
    np.testing.assert_allclose(rows, whole.encode(texts), atol=2e-3)


def test_no_text_gives_no_row(database):
    assert vectors_of(database, LetterCounts(), []).shape == (0, 26)


def test_readers_at_once_keep_each_vector_once(database):
    texts = [f"text {number}" for number in range(3000)]
    with ThreadPoolExecutor(4) as threads:
        rows = list(threads.map(lambda _: vectors_of(database, LetterCounts(), texts), range(4)))
    assert stored(database) == len(texts)
    for row in rows[1:]:
        np.testing.assert_array_equal(row, rows[0])


def test_an_index_is_built_with_the_encoder_of_the_version_alone(database, encoder, assistant):
    index = build_index(database, AssistantVersion(assistant, 1, encoder.name), encoder, Speaker.USER)
    vector = encoder.encode(["the cup is broken"])[0]
    assert index.rank("the cup is broken", vector)[0].action_id == "broken"
    assert stored(database) == len(set(exemplar_texts(assistant, Speaker.USER)))
    with pytest.raises(EncoderError, match=r"was mined with the encoder 'openai:other', .* or mine it again"):
        build_index(database, AssistantVersion(assistant, 1, "openai:other"), encoder, Speaker.USER)
