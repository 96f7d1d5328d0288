"""The API: GET /health says which model is served, POST /predict classifies one flower."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from iris_scoring import classify

MODEL_PATH = os.environ.get("MODEL_PATH", "/app/models/model.json")


class Api(BaseHTTPRequestHandler):
    model: dict = {}

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "ok", "model": self.model["version"]})
        else:
            self.answer(404, {"error": "there is /health and /predict"})

    def do_POST(self) -> None:
        if self.path != "/predict":
            self.answer(404, {"error": "there is /health and /predict"})
            return
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            self.answer(200, {"class": classify(self.model, body["features"])})
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, {"error": str(error)})

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        print(f"{self.command} {self.path} {args[1]}", flush=True)


def main() -> None:
    with open(MODEL_PATH, encoding="utf-8") as file:
        Api.model = json.load(file)
    port = int(os.environ.get("PORT", "8080"))
    print(f"serving model {Api.model['name']} {Api.model['version']} on port {port}", flush=True)
    ThreadingHTTPServer(("", port), Api).serve_forever()


if __name__ == "__main__":
    main()
