"""Plain FastAPI: ``uvicorn fastapi_app:app`` with the model's file in ``MODEL``."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
model = joblib.load(os.environ["MODEL"])


class Rows(BaseModel):
    columns: list[str]
    data: list[list[Any]]


@app.post("/predict")
async def predict(rows: Rows) -> dict[str, Any]:
    frame = pd.DataFrame(rows.data, columns=rows.columns)
    return {"predictions": model.predict(frame).tolist()}
