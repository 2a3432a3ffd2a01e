"""Connected models, their servers and trials, as examples."""

from __future__ import annotations

from typing import Any

from imgapp.api.examples.images import EXAMPLE_ID

_MODEL: dict[str, Any] = {
    "name": "qwen2.5vl:3b",
    "kind": "ollama",
    "title": "Ollama",
    "host": "localhost:11434",
    "base_url": "http://localhost:11434/v1",
    "model": "qwen2.5vl:3b",
    "has_key": False,
    "key_readable": True,
    "seconds": 300.0,
    "local": True,
    "role": "default",
    "from_environment": False,
    "at_once": 2,
    "seconds_each": 14.2,
    "takes": ["Answers are held to a form (JSON schema)."],
    "trouble": None,
}
_KIND: dict[str, Any] = {
    "kind": "ollama",
    "title": "Ollama",
    "base_url": "http://localhost:11434/v1",
    "needs_key": False,
}
_FOUND: dict[str, Any] = {
    "kind": "ollama",
    "title": "Ollama",
    "base_url": "http://localhost:11434/v1",
    "models": ["qwen2.5vl:3b", "llama3.2:1b"],
}

_BUNDLED: dict[str, Any] = {
    "name": "smolvlm2-500m",
    "title": "SmolVLM2 500M",
    "about": "The smallest and quickest; short, plain sentences",
    "languages": "English",
    "license": "Apache-2.0",
    "source": "https://huggingface.co/ggml-org/SmolVLM2-500M-Video-Instruct-GGUF",
    "size": 545_593_888,
    "memory": 1_545_593_888,
    "here": False,
    "connected": False,
    "fetched": 120_000_000,
    "checking": False,
    "problem": None,
}

MODELS: dict[str, dict[str, Any]] = {
    "ModelOverviews": {"items": [_MODEL]},
    "BundledModels": {"items": [_BUNDLED]},
    "ServerKinds": {"items": [_KIND]},
    "FoundServers": {"items": [_FOUND]},
    "ListedModels": {
        "items": [
            {"name": "qwen2.5vl:3b", "sees": True},
            {"name": "llama3.2:1b", "sees": False},
        ]
    },
    "ModelName": {"name": "qwen2.5vl:3b"},
    "ModelTrial": {
        "works": True,
        "sentence": "It works: an answer in 14.2 seconds.",
        "code": None,
        "said": None,
        "image_id": EXAMPLE_ID,
        "seconds": 14.2,
        "alt_text": "A red bicycle leans on a white wall",
        "description": "A red bicycle leans on a white wall. The sun throws its shadow.",
        "tags": ["bicycle", "wall", "shadow"],
        "visible_text": None,
        "language": "en",
        "model_version": "qwen2.5vl:3b",
        "input_tokens": 1_120,
        "output_tokens": 96,
        "cost": None,
        "takes": ["Answers are held to a form (JSON schema)."],
    },
}
