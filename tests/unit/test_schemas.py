import pyarrow as pa
import pytest

from tamis import schemas
from tamis.errors import SchemaError
from tamis.section import Kind


def test_stage_columns_stand_in_the_order_of_the_pipeline():
    schema = schemas.documents_schema(["tokens", "language"])
    assert schema.names == [*schemas.BASE_COLUMNS, "language", "tokens"]


def test_scores_of_classifiers_come_last_by_name_and_nothing_else_can_be_a_column(make_documents):
    schema = schemas.documents_schema(["worth", "tokens", "education"])
    assert schema.names[-3:] == ["tokens", "education", "worth"]
    assert schema.field("education").type == pa.float32()
    with pytest.raises(SchemaError, match=r"\['Colour'\].*known: language"):
        schemas.documents_schema(["language", "Colour"])
    with pytest.raises(SchemaError, match=r"here: unknown columns \['colour'\]"):
        schemas.conform_documents(make_documents(["a"]).append_column("colour", pa.array(["red"])), "here")


def test_columns_are_ordered_and_cast(make_documents):
    documents = make_documents(["a", "b"])
    loose = documents.select(documents.column_names[::-1])
    loose = loose.set_column(loose.schema.get_field_index("text"), "text", loose["text"].cast(pa.string()))
    assert schemas.conform_documents(loose, "here").equals(documents)


@pytest.mark.parametrize("name", sorted(schemas.BASE_COLUMNS))
def test_every_column_must_be_there(make_documents, name):
    with pytest.raises(SchemaError, match=f"here: documents lack the columns .*{name}"):
        schemas.conform_documents(make_documents(["a"]).drop_columns(name), "here")


@pytest.mark.parametrize("name", sorted(schemas.BASE_COLUMNS))
def test_nulls_only_where_they_are_allowed(make_documents, name):
    documents = make_documents(["a"])
    at = documents.schema.get_field_index(name)
    documents = documents.set_column(at, name, pa.nulls(1, documents.schema.field(name).type))
    if name in schemas.NULLABLE:
        assert schemas.conform_documents(documents, "here").num_rows == 1
    else:
        with pytest.raises(SchemaError, match=f"here: column '{name}' holds 1 nulls"):
            schemas.conform_documents(documents, "here")


def test_extra_columns_are_refused(make_documents):
    with pytest.raises(SchemaError, match="colour"):
        schemas.conform_documents(make_documents(["a"]).append_column("colour", pa.array(["red"])), "here")


def test_a_type_that_cannot_be_cast_is_named(make_documents):
    documents = make_documents(["a"])
    at = documents.schema.get_field_index("copies")
    with pytest.raises(SchemaError, match="here: documents do not have the types"):
        schemas.conform_documents(documents.set_column(at, "copies", pa.array(["many"])), "here")


def test_kinds_of_the_configuration_are_the_kinds_of_the_schema():
    assert Kind.__args__ == schemas.KINDS


def test_rows_of_some_kinds(make_documents):
    documents = make_documents(["a", "b", "c"], kind=["prose", "code", "maths"])
    assert schemas.of_kinds(documents, ("maths", "prose")).tolist() == [True, False, True]
    assert schemas.of_kinds(documents, []).tolist() == [False] * 3
    assert schemas.of_kinds(documents.slice(0, 0), {"code"}).tolist() == []


def test_a_stage_column_replaces_one_of_its_name(make_documents):
    documents = schemas.with_column(make_documents(["a", "b"]), "language_score", pa.array([0.25, None]))
    again = schemas.with_column(documents, "language_score", pa.array([1, 0]))
    assert again.column_names == documents.column_names
    assert again["language_score"].type == pa.float32()
    assert again["language_score"].to_pylist() == [1.0, 0.0]
