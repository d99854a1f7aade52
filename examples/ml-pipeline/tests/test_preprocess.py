import tracemalloc

import numpy as np
import pytest

from conftest import rows_of, table_of
from ml_pipeline.errors import BadInput
from ml_pipeline.features import Preprocessing, split
from ml_pipeline.preprocess import preprocess
from ml_pipeline.table import read_table


def refused(text: str, **options) -> str:
    with pytest.raises(BadInput) as error:
        preprocess(table_of(text), "target", **options)
    return str(error.value)


def test_columns_become_numbers_about_zero_and_one_column_for_each_category(csv_bytes):
    prepared = preprocess(table_of(csv_bytes), "target")
    found = prepared.preprocessing
    assert {feature.name: feature.kind for feature in found.features} == {
        "plan": "categorical", "region": "categorical", "tenure_months": "numeric", "support_calls": "numeric",
        "monthly_fee": "numeric", "gigabytes": "numeric"}
    assert found.ignored == {"customer": "more than 64 different texts"}
    assert found.task == "classification" and found.classes == ["left", "stayed"]
    inputs = prepared.inputs["train"]
    assert inputs.shape[1] == found.width == 3 + 4 + 4
    numeric = inputs[:, 7:]
    assert np.abs(numeric.mean(axis=0)).max() < 1e-5 and np.abs(numeric.std(axis=0) - 1).max() < 1e-5
    assert (inputs[:, :3].sum(axis=1) == 1).all()


def test_the_same_seed_gives_the_same_and_another_gives_another(csv_bytes):
    first, again, other = (preprocess(table_of(csv_bytes), "target", seed=seed) for seed in (1, 1, 2))
    assert (first.inputs["test"] == again.inputs["test"]).all()
    assert not (first.inputs["test"] == other.inputs["test"]).all()


def test_what_only_the_other_rows_have_is_not_learned():
    """One row has another city and an odd age: where it is no training row, the model knows of neither."""
    text = rows_of("1,a,x", "2,b,y") + "\n900,c,x"
    seen = {}
    for seed in range(20):
        prepared = preprocess(table_of(text), "target", seed=seed)
        age, city = prepared.preprocessing.features
        learned = bool((prepared.inputs["train"][:, 0] > 4).any())
        assert city.categories == ["a", "b", "c"][:2 + learned] and (age.scale > 1) == learned
        seen[learned] = True
    assert len(seen) == 2


def test_no_row_is_lost_or_in_two_parts():
    labels = np.array([0] * 90 + [1] * 9 + [2])
    parts = split(labels, 3, seed=3)
    assert sorted(np.concatenate(parts)) == list(range(100))
    assert all((labels[rows] == 1).any() for rows in parts)


def test_a_description_is_the_same_after_a_trip_through_json(csv_bytes):
    found = preprocess(table_of(csv_bytes), "target").preprocessing
    assert Preprocessing.from_json(found.to_json()) == found


def test_a_quantity_is_estimated():
    text = rows_of(*(f"{n},{'ab'[n % 2]},{n * 1.5}" for n in range(60)), times=1)
    found = preprocess(table_of(text), "target").preprocessing
    assert found.task == "regression" and found.classes == [] and found.target_scale > 1


def test_a_few_whole_numbers_are_classes_unless_somebody_says_otherwise():
    text = rows_of("1,a,0", "2,b,1", "3,a,1")
    assert preprocess(table_of(text), "target").preprocessing.classes == ["0", "1"]
    assert preprocess(table_of(text), "target", task="regression").preprocessing.task == "regression"
    halves = preprocess(table_of(rows_of("1,a,1.5", "2,b,2.5")), "target").preprocessing
    assert (halves.task, halves.classes) == ("regression", [])


def test_a_number_is_one_class_however_it_is_written():
    prepared = preprocess(table_of(rows_of("1,a,1", "2,b,1.0", "3,a,10", "4,a,-0", "5,b,0")), "target")
    assert prepared.preprocessing.classes == ["0", "1", "10"]
    assert prepared.preprocessing.targets(table_of("target\n1.00\n0\n7\n")).tolist() == [1, 0, -1]
    words = preprocess(table_of(rows_of("1,a,1", "2,b,1.0", "3,a,x")), "target").preprocessing
    assert words.classes == ["1", "1.0", "x"] and words.targets(table_of("target\n1.0\nx\n")).tolist() == [1, 2]


def test_none_is_a_word_and_no_missing_value():
    text = rows_of("1,none,none", "2,a,mild", "3,b,severe", header="age,pet,target")
    found = preprocess(table_of(text), "target").preprocessing
    assert found.classes == ["mild", "none", "severe"] and found.features[1].categories == ["a", "b", "none"]


def test_columns_may_be_left_out_and_the_description_says_why():
    text = rows_of(*(f"{n},{n % 7},a,{'xy'[n % 2]}" for n in range(60)), header="id,age,city,target", times=1)
    found = preprocess(table_of(text), "target", ignore=["id"]).preprocessing
    assert [feature.name for feature in found.features] == ["age"]
    assert found.ignored == {"id": "--ignore", "city": "always the same"}
    assert "no column 'Id' to leave out by --ignore" in refused(text, ignore=["id", "Id"])


@pytest.mark.parametrize("text, words", [
    (rows_of("1,a,x", "2,b,y", header="age,city,label"), "there is no column 'target' to predict; the columns are age, city"),
    (rows_of("1,a,x", "2,b,x"), "has one class only ('x')"),
    (rows_of("1,a,x", "2,b,"), "the target 'target' is missing in 20 rows, first in line 3"),
    (rows_of("1,a,x", "2,b,y", times=20) + "\nabc,a,x", "'age' holds numbers, but line 42 has 'abc'"),
    (rows_of("1,a,x", "2,b,y") + "\n1e100,a,x",
     "'age' holds numbers, but line 42 has '1e100', and 3.4e+38 is the largest number there can be"),
    (rows_of(*(f"{n},a,{n}.5" for n in range(40)), times=1) + "\n1,a,-1e200",
     "'target' must be a number for a regression, but line 42 has '-1e200', and 3.4e+38 is the largest"),
    (rows_of(*(f"{n},a,{n}.5" for n in range(40)), times=1) + "\n1,a,12..5",
     "regression, but line 42 has '12..5'; mend it, or say --task classification"),
    (rows_of("1,a,x", ",b,y"), "'age' has 20 missing values (line 3"),
    (rows_of("1,a,x", "2,b,y", times=3), "the file has 6 rows; at least 30 are needed"),
    (rows_of(*(f"{n},a,name{n}" for n in range(50)), times=1), "50 classes in 50 rows"),
    (rows_of(*(f"{n},a,{n % 19}" for n in range(60)), times=1), "19 classes in 60 rows; that is no classification. If it is a "
     "quantity, say --task regression"),
    (rows_of("1,a,x", "1,a,y"), "no column is left to learn from"),
])
def test_what_cannot_be_learned_from_is_told_in_words(text, words):
    assert words in refused(text)


def test_missing_values_may_be_allowed():
    prepared = preprocess(table_of(rows_of("1,a,x", ",b,y", "3,,x")), "target", missing="impute")
    assert not np.isnan(prepared.inputs["train"]).any()


def test_a_number_too_far_from_the_others_is_refused_before_it_becomes_infinite():
    found = preprocess(table_of(rows_of("1,a,x", "1.001,b,y")), "target").preprocessing
    with pytest.raises(BadInput, match="'age' has 3e\\+38 in row 2, which is too far from what was learned from: 1.00"):
        found.inputs(table_of("age,city\n1,a\n3e38,a\n"))


@pytest.mark.parametrize("text, words", [
    ("age,city\n1,a\nabc,a\n", "'age' holds numbers, but line 3 has 'abc'"),
    ("age,city\n1,a\n,a\n", "'age' has 1 missing values (line 3…); fill them in, since the model was trained without any"),
    ("age,city\n1,a\n2,NA\n", "'city' has 1 missing values (line 3"),
])
def test_a_model_is_used_on_no_worse_than_it_was_trained_on(text, words):
    found = preprocess(table_of(rows_of("1,a,x", "2,b,y")), "target").preprocessing
    with pytest.raises(BadInput) as error:
        found.inputs(table_of(text))
    assert words in str(error.value)


def test_many_categories_take_no_more_memory_than_they_need():
    text = rows_of(*(",".join(f"c{(n * 7 + k) % 60}" for k in range(20)) + f",{'xy'[n % 2]}" for n in range(60)), times=50,
                   header=",".join(f"a{k}" for k in range(20)) + ",target")
    table = table_of(text)
    found = preprocess(table, "target").preprocessing
    tracemalloc.start()
    inputs = found.inputs(table)
    assert tracemalloc.get_traced_memory()[1] < 1.2 * inputs.nbytes and inputs.shape == (3000, 1200)
    tracemalloc.stop()
    assert (inputs.sum(axis=1) == 20).all()


def test_more_than_fits_into_the_memory_of_a_step_is_refused_before_it_is_made():
    text = rows_of(*(f"1,c{n},{'xy'[n % 2]}" for n in range(10)), "2,c0,x", times=10)
    assert "2 columns become 11 for the network, since each category is one, and 110 rows" in refused(text, max_cells=1200)
    assert preprocess(table_of(text), "target", max_cells=1210)


def test_what_training_did_about_missing_values_is_done_again():
    found = preprocess(table_of(rows_of("1,a,x", ",b,y", "3,,x")), "target", missing="impute").preprocessing
    again = Preprocessing.from_json(found.to_json())
    assert again.missing == "impute" and again.inputs(table_of("age,city\n,\n")).tolist() == [[0, 0, 0]]


def test_a_column_of_too_many_texts_is_not_taken_for_unknown_categories():
    found = preprocess(table_of(rows_of("1,a,x", "2,b,y")), "target").preprocessing
    text = "age,city\n" + "".join(f"1,c{n}\n" for n in range(30))
    with pytest.raises(BadInput, match="'city' had 2 different texts, and has more than are kept"):
        found.inputs(read_table([text.encode()], 1 << 20, max_distinct=20))
    assert not found.inputs(read_table([text.encode()], 1 << 20))[:, 1:].any()


def test_a_category_that_was_never_seen_is_all_zeros():
    found = preprocess(table_of(rows_of("1,a,x", "2,b,y")), "target").preprocessing
    assert found.inputs(table_of("age,city\n1,z\n"))[0, 1:].tolist() == [0, 0]


def test_a_table_that_lacks_a_column_is_refused_when_it_is_used():
    found = preprocess(table_of(rows_of("1,a,x", "2,b,y")), "target").preprocessing
    with pytest.raises(BadInput, match="'city' is missing; there are: age"):
        found.inputs(table_of("age\n1\n"))
