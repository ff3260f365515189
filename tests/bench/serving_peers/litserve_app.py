"""LitServe with its batching: ``python litserve_app.py PORT``, the model's file in ``MODEL``."""

import os
import sys
from typing import Any

import joblib
import litserve
import pandas as pd


class Api(litserve.LitAPI):
    def setup(self, device: str) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        return pd.DataFrame(request["data"], columns=request["columns"])

    def batch(self, inputs: list[pd.DataFrame]) -> pd.DataFrame:
        self.sizes = [len(each) for each in inputs]
        return pd.concat(inputs, ignore_index=True)

    def predict(self, frame: pd.DataFrame) -> Any:
        return self.model.predict(frame)

    def unbatch(self, output: Any) -> list[Any]:
        parts, start = [], 0
        for size in self.sizes:
            parts.append(output[start : start + size])
            start += size
        return parts

    def encode_response(self, output: Any) -> dict[str, Any]:
        return {"predictions": output.tolist()}


if __name__ == "__main__":
    api = Api(max_batch_size=64, batch_timeout=0.002)
    server = litserve.LitServer(api, accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="error", generate_client_file=False
    )
