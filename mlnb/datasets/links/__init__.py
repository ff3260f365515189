"""Links: versions that pin an external table or files by reference, without copying them.

``linking`` makes one, ``reading`` reads one; a backend per kind of source (`delta`, `iceberg`,
`parquet`, `dvc`) pins and opens it, as `source.Source` says; ``query`` saves what a query gives.
"""
