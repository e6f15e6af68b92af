"""From a checkpoint to its tokenizer and model: a folder of safetensors, a GGUF file, or a name on the hub."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from jinja2 import TemplateError
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from taskflow.backbones.engines import ChatPrompt, Hub
from taskflow.backbones.engines.baichuan_weights import load_baichuan, read_config
from taskflow.backbones.engines.tokenizers import SentencePieceTokenizer, TemplateTokenizer, Tokenizer
from taskflow.backbones.errors import BackboneError

_LOADING = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, SafetensorError)


@dataclass(frozen=True, slots=True)
class Loaded:
    name: str
    tokenizer: Tokenizer
    model: Any
    architecture: str


def load(checkpoint: Path | Hub) -> Loaded:
    """BackboneError, with the remedy, for whatever is wrong with it. Weights that are pickled are never read."""
    if isinstance(checkpoint, Path):
        _refuse_other_folders(checkpoint)
    try:
        loaded = _load_hub(checkpoint) if isinstance(checkpoint, Hub) else _load_path(checkpoint)
    except _LOADING as error:
        raise _unusable(checkpoint, _why_not_loaded(error)) from error
    loaded.model.train(False)
    if torch.cuda.is_available():
        loaded.model.to("cuda")
    return loaded


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer alone, for a model that somebody else serves."""
    try:
        if (folder / "tokenizer.model").is_file() and read_config(folder).get("model_type") == "baichuan":
            return SentencePieceTokenizer(folder / "tokenizer.model")
        return _with_template(folder, AutoTokenizer.from_pretrained(folder, local_files_only=True))
    except _LOADING as error:
        raise BackboneError(
            f"{folder} has no tokenizer that can be loaded ({_flat(error)}): correct [backbone] tokenizer",
            retryable=False,
        ) from error


def _load_path(checkpoint: Path) -> Loaded:
    if checkpoint.suffix == ".gguf":
        return _load_gguf(checkpoint)
    config = read_config(checkpoint)
    if config.get("model_type") == "baichuan":
        pieces = SentencePieceTokenizer(checkpoint / "tokenizer.model")
        model = load_baichuan(checkpoint, config, _dtype() or getattr(torch, config.get("torch_dtype", "float32")))
        return Loaded(checkpoint.name, pieces, model, "baichuan")
    safely: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(checkpoint, **safely)
    return _made(checkpoint, checkpoint.name, tokenizer, _model(checkpoint, use_safetensors=True, **safely))


def _load_gguf(file: Path) -> Loaded:
    for package in ("gguf", "accelerate"):
        if find_spec(package) is None:
            raise ImportError(f"a GGUF file needs {package}, which is not installed: pip install gguf accelerate")
    where: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
    tokenizer = AutoTokenizer.from_pretrained(file.parent, **where)
    return _made(file, file.stem, tokenizer, _model(file.parent, **where))


def _load_hub(hub: Hub) -> Loaded:
    """Downloaded once by huggingface_hub, into its own cache."""
    where: dict[str, Any] = {"revision": hub.revision, "trust_remote_code": hub.own_code}
    if hub.own_code:
        where["code_revision"] = hub.revision
    tokenizer = AutoTokenizer.from_pretrained(hub.name, **where)
    return _made(hub, hub.name, tokenizer, _model(hub.name, use_safetensors=True, **where))


def _model(source: Path | str, **where: Any) -> Any:
    """ValueError where weights are missing, which transformers would make up."""
    dtype = _dtype() or "auto"
    loaded: Any = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, output_loading_info=True, **where)
    model, told = loaded
    if told["missing_keys"]:
        raise ValueError(f"the weights lack {min(told['missing_keys'])}")
    return model


def _dtype() -> torch.dtype | None:
    """Half precision is what processors are slow with; on a GPU the checkpoint's own is used."""
    return None if torch.cuda.is_available() else torch.float32


def _made(checkpoint: Path | Hub, name: str, tokenizer: Any, model: Any) -> Loaded:
    return Loaded(name, _with_template(checkpoint, tokenizer), model, str(model.config.model_type))


def _with_template(checkpoint: Path | Hub, tokenizer: Any) -> Tokenizer:
    if not tokenizer.chat_template:
        raise _unusable(checkpoint, "has no chat template: use one made for chat")
    made = TemplateTokenizer(tokenizer)
    try:
        made.render(ChatPrompt(({"role": "user", "content": "?"},)))
    except BackboneError as error:
        if not isinstance(error.__cause__, TemplateError):
            raise
        raise _unusable(checkpoint, f"has a broken chat template ({error.__cause__}): download it again") from error
    return made


def _refuse_other_folders(checkpoint: Path) -> None:
    if checkpoint.suffix == ".gguf" and checkpoint.is_file():
        return
    if not (checkpoint / "config.json").is_file():
        raise BackboneError(
            f"{checkpoint} is no checkpoint folder (it has no config.json): correct [backbone] checkpoint",
            retryable=False,
        )
    if not any(checkpoint.glob("*.safetensors")):
        raise _unusable(checkpoint, "has no weights as safetensors, and no others are loaded: convert them")


def _why_not_loaded(error: Exception) -> str:
    cause = _flat(error)
    if "trust_remote_code" in cause:
        return "needs code of its own, which is never run: use one whose architecture transformers knows"
    return f"cannot be loaded ({cause[:300]}): download it again or use another"


def _flat(error: Exception) -> str:
    return " ".join(str(error).split())


def _unusable(checkpoint: Path | Hub, why: str) -> BackboneError:
    name = checkpoint.name if isinstance(checkpoint, Hub) else checkpoint
    return BackboneError(f"the checkpoint {name} {why}", retryable=False)
