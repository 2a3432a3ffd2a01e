"""The catalogue: small open vision models that can be fetched at one word (model registry).

Each file is that of one commit of its repository on the hub: its size and its SHA-256 are known
before the first byte comes, and a file that was changed since is refused.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HubFile:
    """A file of a repository on the hub; `size` is in bytes, `sha256` in hexadecimal digits."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class CatalogueModel:
    """A model with the projector by which it sees. `memory` is about what it needs, in bytes."""

    name: str
    title: str
    repository: str
    revision: str
    license: str
    languages: str
    about: str
    model: HubFile
    projector: HubFile

    @property
    def size(self) -> int:
        """Bytes to fetch and to keep."""
        return self.model.size + self.projector.size

    @property
    def memory(self) -> int:
        """Bytes: the files, and the context and what is computed with, rounded up."""
        return self.size + 1_000_000_000

    @property
    def source(self) -> str:
        """Where people can read about it."""
        return f"https://huggingface.co/{self.repository}"


CATALOGUE: tuple[CatalogueModel, ...] = (
    CatalogueModel(
        name="smolvlm2-500m",
        title="SmolVLM2 500M",
        repository="ggml-org/SmolVLM2-500M-Video-Instruct-GGUF",
        revision="ccd7aae53bcb1997355c2f094959e72b3642ce17",
        license="Apache-2.0",
        languages="English",
        about="The smallest and quickest; short, plain sentences",
        model=HubFile(
            "SmolVLM2-500M-Video-Instruct-Q8_0.gguf",
            436_808_704,
            "6f67b8036b2469fcd71728702720c6b51aebd759b78137a8120733b4d66438bc",
        ),
        projector=HubFile(
            "mmproj-SmolVLM2-500M-Video-Instruct-Q8_0.gguf",
            108_785_184,
            "921dc7e259f308e5b027111fa185efcbf33db13f6e35749ddf7f5cdb60ef520b",
        ),
    ),
    CatalogueModel(
        name="qwen3-vl-2b",
        title="Qwen3-VL 2B",
        repository="Qwen/Qwen3-VL-2B-Instruct-GGUF",
        revision="52d6c8ffea26cc873ac5ad116f8631268d7eb503",
        license="Apache-2.0",
        languages="many, English and Chinese best",
        about="Reads text in pictures and writes many languages",
        model=HubFile(
            "Qwen3VL-2B-Instruct-Q4_K_M.gguf",
            1_107_409_952,
            "089d75c52f4b7ffc56ba998ffc50aae89fcafc755f9e7208aacca281dca6c2ae",
        ),
        projector=HubFile(
            "mmproj-Qwen3VL-2B-Instruct-Q8_0.gguf",
            445_053_216,
            "f9a68fabba69c3b81e153367b2c7521030b0fa8bb0de400c9599c8e6725f9c82",
        ),
    ),
    CatalogueModel(
        name="smolvlm2-2.2b",
        title="SmolVLM2 2.2B",
        repository="ggml-org/SmolVLM2-2.2B-Instruct-GGUF",
        revision="1bc3c9f74ceafd4c8d4411cc9cf188bba3798f91",
        license="Apache-2.0",
        languages="English",
        about="Fuller descriptions, in English only",
        model=HubFile(
            "SmolVLM2-2.2B-Instruct-Q4_K_M.gguf",
            1_112_602_656,
            "0cf76814555b8665149075b74ab6b5c1d428ea1d3d01c1918c12012e8d7c9f58",
        ),
        projector=HubFile(
            "mmproj-SmolVLM2-2.2B-Instruct-Q8_0.gguf",
            592_523_200,
            "ae07ea1facd07dd3230c4483b63e8cda96c6944ad2481f33d531f79e892dd024",
        ),
    ),
    CatalogueModel(
        name="qwen3-vl-4b",
        title="Qwen3-VL 4B",
        repository="Qwen/Qwen3-VL-4B-Instruct-GGUF",
        revision="1cd86afb9a95c410a6038ab3b40d8b578c892266",
        license="Apache-2.0",
        languages="many, English and Chinese best",
        about="The best of these and the slowest; wants 8 GB of memory in the machine",
        model=HubFile(
            "Qwen3VL-4B-Instruct-Q4_K_M.gguf",
            2_497_281_664,
            "66358cb18bb6b3b1b6675aa412c7a88ef01d228f481184d13668e5201c730a0a",
        ),
        projector=HubFile(
            "mmproj-Qwen3VL-4B-Instruct-Q8_0.gguf",
            453_974_304,
            "30ba2c7dd3127a4561b6cba9d13d0f711c91bdb38742e2f56d73c8cb596bd06d",
        ),
    ),
)
