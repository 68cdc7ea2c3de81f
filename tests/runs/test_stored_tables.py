from dtc_helpers.runs.stored_tables import NUMBER, TEXT, read_stored


def test_names_that_look_like_something_else_stay_names(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("name,value\n007,1\nnan,2\n2024,\n")
    table = read_stored(path, {"name": TEXT, "value": NUMBER}, remedy="none")
    assert table.name.tolist() == ["007", "nan", "2024"]
    assert table.value.isna().tolist() == [False, False, True]
