#!/usr/bin/env bash
# LiteLLM's proxy drops the Retry-After of the server behind it.
#
# Versions: litellm 1.100.4 with its extra "proxy" (PyPI), Python 3.11.
# Expected: an answer 429 or 503 with "Retry-After: 17" reaches the client with that header, or with
#   "llm_provider-retry-after" as provider headers are passed on elsewhere.
# Seen: status and words come through, no header says when to ask again, with and without
#   "return_response_headers". A client that only reads headers cannot tell 17 seconds from an hour.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "litellm[proxy]==1.100.4"
cd "$folder"
cat > behind.py <<'PYTHON'
import json
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = json.dumps({"error": {"message": "Slow down", "type": "requests"}}).encode()
        self.send_response(429 if "/slow/" in self.path else 503)
        self.send_header("Retry-After", "17")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *args):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
python3 behind.py > behind.port &
until [ -s behind.port ]; do sleep 0.1; done
behind=$(cat behind.port)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > config.yaml <<YAML
model_list:
  - {model_name: slow, litellm_params: {model: openai/any, api_base: "http://127.0.0.1:$behind/slow/v1", api_key: none}}
  - {model_name: away, litellm_params: {model: openai/any, api_base: "http://127.0.0.1:$behind/away/v1", api_key: none}}
litellm_settings: {num_retries: 0, return_response_headers: true}
router_settings: {num_retries: 0, disable_cooldowns: true}
YAML
LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_TELEMETRY=False HOME=$folder \
    venv/bin/litellm --config config.yaml --host 127.0.0.1 --port "$port" > proxy.log 2>&1 &
for _ in $(seq 120); do
    curl -s -o /dev/null "http://127.0.0.1:$port/health/liveliness" && break
    sleep 1
done
for model in slow away; do
    body='{"model": "'$model'", "messages": [{"role": "user", "content": "Hello"}]}'
    curl -s -i -H "Content-Type: application/json" -d "$body" \
        "http://127.0.0.1:$port/v1/chat/completions" > answer
    head -1 answer
    grep -o '"message":"[^"]*"' answer
    echo "headers that say when: $(grep -ic 'retry' <(sed '/^\r$/q' answer) || true)"
done | tee seen
[ "$(grep -c 'headers that say when: 0' seen)" = 2 ]
[ "$(grep -cE '^HTTP/1.1 (429|503)' seen)" = 2 ]
