#!/bin/sh
# llama.cpp b11549 (xllamacpp 2026.10.11549): no answer form (JSON schema) is taken where the tokenizer
# puts a space before words.
#
# Expected: a chat with `response_format` of a model whose template ends in "assistant:" is answered in
# that form, whatever tokenizer the model has. Seen: where the tokenizer is SentencePiece's with its
# space prefix (tokenizer.ggml.add_space_prefix, the default), 400 "Failed to initialize samplers:
# std::exception". The end of the prompt is made into tokens by itself, as " assistant:", and the grammar
# begins with "assistant:". With add_space_prefix false the same model answers in the form.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
cp "$here/../tests/support/tiny_model.py" .
cat >look.py <<'END'
import sys
from pathlib import Path

import gguf
import xllamacpp
from tiny_model import tiny_model

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
ASKED = {
    "messages": [{"role": "user", "content": "hello"}],
    "max_tokens": 100,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
}
seen = {}
set_prefix = gguf.GGUFWriter.add_add_space_prefix
for prefix in (False, True):
    gguf.GGUFWriter.add_add_space_prefix = lambda out, _, prefix=prefix: set_prefix(out, prefix)
    params = xllamacpp.CommonParams()
    params.model.path = str(tiny_model(Path("."), vision=False, name=f"tiny-{prefix}").model)
    params.n_ctx, params.verbosity, params.cpuparams.n_threads = 2048, 0, 1
    answer = xllamacpp.Server(params).handle_chat_completions(ASKED)
    seen[prefix] = answer["choices"][0]["message"] if "choices" in answer else answer
print(seen)
sys.exit("content" not in seen[False] or "initialize samplers" not in str(seen[True]))
END
if venv/bin/python look.py; then
    echo "still so"
else
    echo "mended, or something else"
    exit 1
fi
