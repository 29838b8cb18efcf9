import io

import pandas as pd
import pyarrow.parquet as pq
import pytest

from service.openface import csv_of
from service.tabular import parquet_of
from worker.contract import AnalysisReport


@pytest.fixture
def table(report: AnalysisReport) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(parquet_of(report)))


def test_it_has_the_columns_of_the_csv(report: AnalysisReport, table: pd.DataFrame) -> None:
    assert list(table.columns) == csv_of(report).splitlines()[0].split(",")
    assert table["frame"].tolist() == [1, 2, 3, 4]
    assert table["timestamp"].tolist() == pytest.approx([0.0, 0.04, 0.08, 0.12])


def test_what_was_not_measured_is_null(table: pd.DataFrame) -> None:
    assert table["success"].tolist() == [1, 0, 1, 0]
    assert table["AU12_r"].isna().tolist() == [False, True, False, True]
    assert table["AU01_r"].dropna().tolist() == pytest.approx([0.1234, 0.0])


def test_columns_have_types_and_the_file_says_what_they_are(report: AnalysisReport) -> None:
    schema = pq.read_schema(io.BytesIO(parquet_of(report)))
    assert str(schema.field("frame").type) == "int32"
    assert str(schema.field("AU01_r").type) == "float"
    told = {name.decode(): value.decode() for name, value in schema.metadata.items()}
    assert told["madv.schema"] == "madv.result/1"
    assert told["madv.scale"] == report.action_units.scale
    assert told["madv.model_digest"] == report.model.digest
