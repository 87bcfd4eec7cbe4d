"""Makes the Parquet files beside this script from the JSON lines of the same names, with pyarrow."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
LABELS = pa.struct([("text", pa.list_(pa.string())), ("label", pa.list_(pa.string()))])

# The columns as the hub's files have them, and the ways in which files are written.
TASKS = {
    "arc_easy": ({"choices": LABELS}, {"compression": "snappy"}),
    "hellaswag": ({"ind": pa.int32()}, {"compression": "snappy", "data_page_version": "2.0"}),
    "piqa": ({}, {"compression": "none", "use_dictionary": False}),
    "winogrande": ({}, {"compression": "gzip"}),
    "lambada": ({}, {"compression": "snappy", "row_group_size": 1}),
}


def table(name, types):
    rows = [json.loads(line) for line in (HERE / f"{name}.jsonl").open(encoding="utf-8")]
    columns = {
        field: pa.array([row[field] for row in rows], type=types.get(field)) for field in rows[0]
    }
    return pa.table(columns)


for name, (types, options) in TASKS.items():
    pq.write_table(table(name, types), HERE / f"{name}.parquet", store_schema=False, **options)
pq.write_table(table("piqa", {}), HERE / "zstd.parquet", store_schema=False, compression="zstd")
