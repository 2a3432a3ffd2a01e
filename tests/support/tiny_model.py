"""A tiny model for llama.cpp, made by the tests: a LLaMA that knows four sentences, and a CLIP.

Whatever it is asked, it says one of its sentences: the same one for the same picture and question,
and as what a form wants where the server holds it to one. Its numbers are random but for that. The
two files are 0.5 MB, made in a fifth of a second.

In a test:   files = tiny_model(tmp_path, vision=True); files.model, files.projector
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

IMAGE_SIZE, PATCH_SIZE = 28, 14
PICTURE_TOKENS = (IMAGE_SIZE // PATCH_SIZE) ** 2

SENTENCES = (
    "a red bicycle leaning on the white wall",
    "two boats under some grey clouds",
    "one black dog beside its house",
    "many green trees along that road",
)
_SPOKEN = 2 + sum(len(line.split()) for line in SENTENCES)
_TEMPLATE = (
    "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
_LAYERS, _HEADS, _FEED_FORWARD = 2, 4, 96

_Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TinyModel:
    """Where the files are."""

    model: Path
    projector: Path | None


def tiny_model(
    folder: Path,
    *,
    vision: bool,
    name: str = "tiny",
    width: int = 64,
    context: int = 16384,
    seed: int = 1,
) -> TinyModel:
    """Write a model, and with `vision` the projector that lets it see.

    A projector fits the models of its own `width` only, a multiple of 4. `context` is the number of
    tokens that the model says it was made for; nearly each letter of a question is one.
    """
    model = folder / f"{name}.gguf"
    _write_model(model, name, width, context, np.random.default_rng(seed))
    if not vision:
        return TinyModel(model, None)
    projector = folder / f"mmproj-{name}.gguf"
    _write_projector(projector, name, width, np.random.default_rng(seed))
    return TinyModel(model, projector)


def _write_model(path: Path, name: str, width: int, context: int, rng: np.random.Generator) -> None:
    out = gguf.GGUFWriter(path, "llama")
    out.add_name(name)
    out.add_context_length(context)
    out.add_embedding_length(width)
    out.add_block_count(_LAYERS)
    out.add_feed_forward_length(_FEED_FORWARD)
    out.add_head_count(_HEADS)
    out.add_head_count_kv(_HEADS)
    out.add_rope_dimension_count(width // _HEADS)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    tokens = _add_vocabulary(out)

    directions = np.zeros((width - 2, width), np.float32)
    directions[:, 2:] = np.linalg.qr(rng.standard_normal((width - 2, width - 2)))[0]
    embeddings, outputs = _speech(tokens, directions[:_SPOKEN], directions[_SPOKEN:], rng)
    out.add_tensor("token_embd.weight", embeddings)
    out.add_tensor("output.weight", outputs)
    out.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for layer in range(_LAYERS):
        for part, weights in _layer(directions[_SPOKEN:], rng).items():
            out.add_tensor(f"blk.{layer}.{part}.weight", weights)
    _finish(out)


def _add_vocabulary(out: gguf.GGUFWriter) -> list[str]:
    """Three marks, every byte, every printable character, and the words of the sentences."""
    kinds = gguf.TokenType
    marks = {"<unk>": kinds.UNKNOWN, "<s>": kinds.CONTROL, "</s>": kinds.CONTROL}
    table = marks | {f"<0x{byte:02X}>": kinds.BYTE for byte in range(256)}
    table |= {chr(code): kinds.NORMAL for code in range(33, 127)} | {"▁": kinds.NORMAL}
    table |= {f"▁{word}": kinds.NORMAL for line in SENTENCES for word in line.split()}
    out.add_tokenizer_model("llama")
    out.add_tokenizer_pre("default")
    out.add_token_list(list(table))
    out.add_token_scores([-float(number) for number in range(len(table))])
    out.add_token_types([int(kind) for kind in table.values()])
    out.add_unk_token_id(0)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_add_bos_token(True)
    # Else llama.cpp puts a space before "assistant:", and no form fits what is said after it.
    out.add_add_space_prefix(False)
    out.add_chat_template(_TEMPLATE)
    return list(table)


def _layer(aside: _Weights, rng: np.random.Generator) -> dict[str, _Weights]:
    """One layer. It looks at the picture before all else, and adds to nothing that is spoken."""
    width = aside.shape[1]
    query, key = _random(rng, width, width), _random(rng, width, width)
    for slowest in range(width // _HEADS - 1, width, width // _HEADS):  # where positions turn least
        query[slowest] = key[slowest] = 0
        query[slowest, 0] = key[slowest, 1] = 1.2
    return {
        "attn_norm": np.ones(width, np.float32),
        "attn_q": query,
        "attn_k": key,
        "attn_v": _random(rng, width, width),
        "attn_output": 0.2 * aside.T @ aside @ _random(rng, width, width),
        "ffn_norm": np.ones(width, np.float32),
        "ffn_gate": _random(rng, _FEED_FORWARD, width),
        "ffn_up": _random(rng, _FEED_FORWARD, width),
        "ffn_down": 0.02 * aside.T @ aside @ _random(rng, width, _FEED_FORWARD),
    }


def _speech(
    tokens: list[str], spoken: _Weights, aside: _Weights, rng: np.random.Generator
) -> tuple[_Weights, _Weights]:
    """What each token is to the model, and what makes the model say it.

    A word is said after the one before it, the first of a sentence where an answer or a string
    begins, and after the last the end of either. What layers add decides between the sentences.
    The first number of a token is always one, so that a row's first number is how gladly it is
    said; the second is what only pictures have.
    """
    width = spoken.shape[1]
    number = {token: position for position, token in enumerate(tokens)}
    sentences = [[number[f"▁{word}"] for word in line.split()] for line in SENTENCES]
    begin, quote, end = number[":"], number['"'], number["</s>"]
    embeddings = _random(rng, len(tokens), width)
    embeddings[[begin, quote, *chain.from_iterable(sentences)]] = spoken
    outputs = 0.1 * _random(rng, len(tokens), width)
    for words in sentences:
        for before, word in pairwise(words):
            outputs[word] += 5 * embeddings[before]
        outputs[words[0]] += 5 * (embeddings[begin] + embeddings[quote])
        outputs[words[0]] += 4 * _random(rng, 1, width)[0] @ aside.T @ aside
        outputs[end] += 5 * embeddings[words[-1]]
        outputs[quote] += 4 * embeddings[words[-1]]
    embeddings[:, :2] = 1, 0
    outputs[:, 0] = [_gladness(token) for token in tokens]
    return embeddings, outputs


def _gladness(token: str) -> float:
    """Bytes and spaces are said only where nothing else fits, the end of a form before more."""
    if token.startswith("<0x") or token == "▁":
        return -1.0
    return {'"': 0.2, "}": 0.4, ",": 0.2, "]": 0.2, ":": 0.2}.get(token, 0.0)


def _write_projector(path: Path, name: str, width: int, rng: np.random.Generator) -> None:
    inner = 32
    out = gguf.GGUFWriter(path, "clip")
    out.add_type(gguf.GGUFType.MMPROJ)
    out.add_name(name)
    out.add_file_type(gguf.LlamaFileType.ALL_F32)
    out.add_clip_has_vision_encoder(True)
    out.add_clip_projector_type("mlp")
    out.add_vision_image_size(IMAGE_SIZE)
    out.add_vision_patch_size(PATCH_SIZE)
    out.add_vision_embedding_length(inner)
    out.add_vision_feed_forward_length(2 * inner)
    out.add_vision_projection_dim(width)
    out.add_vision_block_count(_LAYERS)
    out.add_vision_head_count(_HEADS)
    out.add_vision_attention_layernorm_eps(1e-5)
    out.add_vision_image_mean([0.5, 0.5, 0.5])
    out.add_vision_image_std([0.5, 0.5, 0.5])
    out.add_vision_use_gelu(True)

    out.add_tensor("v.patch_embd.weight", _random(rng, inner, 3, PATCH_SIZE, PATCH_SIZE))
    out.add_tensor("v.position_embd.weight", _random(rng, PICTURE_TOKENS, inner))
    for layer in range(_LAYERS):
        for part, shape in {
            "attn_q": (inner, inner),
            "attn_k": (inner, inner),
            "attn_v": (inner, inner),
            "attn_out": (inner, inner),
            "ffn_up": (2 * inner, inner),
            "ffn_down": (inner, 2 * inner),
        }.items():
            out.add_tensor(f"v.blk.{layer}.{part}.weight", _random(rng, *shape))
            out.add_tensor(f"v.blk.{layer}.{part}.bias", np.zeros(shape[0], np.float32))
        for norm in ("ln1", "ln2"):
            out.add_tensor(f"v.blk.{layer}.{norm}.weight", np.ones(inner, np.float32))
            out.add_tensor(f"v.blk.{layer}.{norm}.bias", np.zeros(inner, np.float32))
    for number, shape in ((0, (width, inner)), (2, (width, width))):
        out.add_tensor(f"mm.{number}.weight", _random(rng, *shape))
        out.add_tensor(f"mm.{number}.bias", np.array([1, 3, *[0] * (width - 2)], np.float32))
    _finish(out)


def _random(rng: np.random.Generator, *shape: int) -> _Weights:
    """Numbers of a size at which what goes through all layers neither fades nor explodes."""
    fan_in = int(np.prod(shape[1:]))
    return (rng.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)


def _finish(out: gguf.GGUFWriter) -> None:
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
