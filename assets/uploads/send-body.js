// Bodies of requests: sends one and hears how far it is, which `fetch` does not tell.

// Resolves with {status, text, header}; status 0 is no answer. Rejects with the reason of `signal`.
export function sendBody(method, url, body, { headers, onSent, signal }) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    const stop = () => {
      request.abort();
      fail(signal.reason);
    };
    const answered = () => {
      const { status, responseText } = request;
      done({ status, text: responseText, header: (name) => request.getResponseHeader(name) });
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = request.onerror = answered;
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop, { once: true });
    signal.throwIfAborted();
    request.send(body);
  });
}
