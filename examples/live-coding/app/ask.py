"""Asks the API on this machine for a prediction, once it answers; the exit code says whether it was right."""

import json
import os
import sys
import time
from urllib.error import URLError
from urllib.request import Request, urlopen

ADDRESS = f"http://127.0.0.1:{os.environ.get('PORT', '8080')}"
SETOSA = [5.1, 3.5, 1.4, 0.2]


def main() -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            with urlopen(f"{ADDRESS}/health") as answer:
                print(f"GET /health -> {answer.read().decode()}")
                break
        except URLError:
            if time.monotonic() > deadline:
                sys.exit("the API does not answer")
            time.sleep(0.05)
    request = Request(f"{ADDRESS}/predict", json.dumps({"features": SETOSA}).encode())
    with urlopen(request) as answer:
        body = json.load(answer)
    print(f"POST /predict -> {json.dumps(body)}", flush=True)
    sys.exit(0 if body == {"class": "setosa"} else 1)


if __name__ == "__main__":
    main()
