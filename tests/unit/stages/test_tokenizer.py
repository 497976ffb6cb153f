"""The tokenizer: its sample, its training, and counts that equal those of a plain encoding."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from documents import in_batches, make_documents
from tokenizers import Tokenizer

from tamis import barrier, exchange
from tamis.errors import ModelError, SourceError
from tamis.ids import home_shards, keyed_hash
from tamis.shards import part_name, read_json, write_table
from tamis.stages import tokenizer

SMALL = tokenizer.Config(vocabulary_size=400, sample_characters=20_000, sample_document_characters=500)


def pool(n: int = 120) -> pa.Table:
    """Documents of known words in several scripts, digits, code and emoji."""
    generator = random.Random(0)  # noqa: S311 - made-up data
    words = ["merge", "bytes", "tokens", "größe", "数据", "данные", "def f(x):\n    return x\n", "12345", "🙂", "\n\n"]
    texts = [" ".join(generator.choices(words, k=generator.randint(0, 150))) for _ in range(n)]
    ids = [f"{generator.getrandbits(128):032x}" for _ in range(n)]
    return make_documents(texts, id=ids, domain=["general"] * n)


def lay_out(folder: Path, documents: pa.Table, shards: int) -> None:
    for shard, table in enumerate(exchange.split(documents, home_shards(documents["id"], shards), shards)):
        write_table(folder / "pool" / f"{part_name(shard)}.parquet", table.sort_by("id"))


def train(folder: Path, shards: int, config: tokenizer.Config = SMALL) -> Path:
    for shard in range(shards):
        source = folder / "pool" / f"{part_name(shard)}.parquet"
        tokenizer.run_sample(config, documents=source, output=folder / "sample" / f"{part_name(shard)}.arrow")
    barrier.write(folder / "sample/barrier.json", folder / "sample", shards, ".arrow")
    model = folder / "tokenizer.json"
    threads = {
        "barrier": folder / "sample/barrier.json",
        "output": model,
        "report": folder / "training.json",
        "threads": 1,
    }
    tokenizer.run_train(config, **threads)
    return model


def count(folder: Path, shard: int = 0) -> pa.Table:
    name = part_name(shard)
    tokenizer.run_count(
        shard=shard,
        documents=folder / "pool" / f"{name}.parquet",
        model=folder / "tokenizer.json",
        report=folder / "training.json",
        kept=folder / "documents" / f"{name}.parquet",
        dropped=folder / "dropped" / f"{name}.parquet",
        stats=folder / "stats" / f"{name}.json",
        index=folder / "index" / f"{name}.arrow",
    )
    return pq.read_table(folder / "documents" / f"{name}.parquet")


def test_the_sample_is_the_prefix_in_hash_order_whatever_the_shards(tmp_path: Path) -> None:
    documents = pool()
    expected: list[str] = []
    room = 3000
    keys = keyed_hash(documents["id"], "tokenizer", 0).tolist()
    for _, text in sorted(zip(keys, documents["text"].to_pylist(), strict=True)):
        if room <= 0:
            break
        expected.append(text[:100])
        room -= len(text[:100])
    config = SMALL.model_copy(update={"sample_characters": 3000, "sample_document_characters": 100})
    for shards in (1, 3, 5):
        folder = tmp_path / str(shards)
        lay_out(folder, documents, shards)
        train(folder, shards, config)
        found = tokenizer.gathered_sample(folder / "sample/barrier.json", 3000)
        assert found["text"].to_pylist() == expected
        report = read_json(folder / "training.json")
        assert report["sample_documents"] == len(expected)
        assert report["sample_characters"] == sum(map(len, expected)) >= 3000
    models = [(tmp_path / str(shards) / "tokenizer.json").read_bytes() for shards in (1, 3, 5)]
    assert models[0] == models[1] == models[2]


def test_training_does_not_depend_on_threads_hash_seed_or_order(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(), 2)
    model = train(tmp_path, 2).read_bytes()
    code = (
        "import sys; from pathlib import Path; from tamis.stages import tokenizer as t; folder = Path(sys.argv[1]);"
        f"config = t.Config.model_validate_json({SMALL.model_dump_json()!r});"
        "sample = t.gathered_sample(folder / 'sample/barrier.json', config.sample_characters)['text'].to_pylist();"
        "sample.reverse();"
        "t._write_tokenizer(t.trained(config, iter(sample)), folder / 'other.json')"
    )
    environment = os.environ | {"TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": "4", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    assert (tmp_path / "other.json").read_bytes() == model


def test_files_do_not_depend_on_what_is_read_at_once(tmp_path: Path) -> None:
    documents = pool()
    config = SMALL.model_copy(update={"sample_characters": 3000, "sample_document_characters": 100})
    received = []
    for name in ("whole", "batches"):
        folder = tmp_path / name
        lay_out(folder, documents, 1)
        with nullcontext() if name == "whole" else in_batches(documents.slice(0, 40)):
            train(folder, 1, config)
            count(folder)
        names = ("tokenizer.json", "training.json", "documents", "dropped", "stats")
        received.append(
            {
                path.relative_to(folder): path.read_bytes()
                for top in names
                for path in sorted([folder / top, *(folder / top).glob("*")])
                if path.is_file()
            }
        )
        received.append(exchange.read_batch(folder / "index" / "part-00000.arrow", 0, 1))
        received.append(exchange.read_batch(folder / "sample" / "part-00000.arrow", 0, 1))
    assert received[:3] == received[3:]
    assert len(received[0]) == 5


def test_counts_are_those_of_a_plain_encoding(tmp_path: Path) -> None:
    documents = pool()
    lay_out(tmp_path, documents, 1)
    plain = Tokenizer.from_file(str(train(tmp_path, 1)))
    table = count(tmp_path)
    assert table["text"].to_pylist() == documents.sort_by("id")["text"].to_pylist()
    for text, tokens in zip(table["text"].to_pylist(), table["tokens"].to_pylist(), strict=True):
        assert tokens == len(plain.encode(text, add_special_tokens=False).ids)
        assert plain.decode(plain.encode(text).ids) == text
    stats = read_json(tmp_path / "stats/part-00000.json")
    total = sum(table["tokens"].to_pylist())
    characters = sum(len(text) for text in table["text"].to_pylist())
    assert stats["notes"] == {
        "tokens": total,
        "bytes": sum(len(text.encode()) for text in table["text"].to_pylist()),
        "characters_per_token": characters / total,
        "vocabulary_size": plain.get_vocab_size(),
    }
    index = exchange.read_batch(tmp_path / "index/part-00000.arrow", 0, 1)
    assert index.column_names == ["id", "kind", "source", "domain", "tokens"]
    assert index["tokens"].to_pylist() == table["tokens"].to_pylist()


def test_counts_do_not_depend_on_batches_and_long_documents_are_cut_before_words() -> None:
    model = tokenizer.trained(SMALL, iter(pool()["text"].to_pylist()))
    texts = pa.chunked_array([pool()["text"].to_pylist()], pa.large_string())
    assert tokenizer.token_counts(model, texts, 1).tolist() == tokenizer.token_counts(model, texts, 10**9).tolist()
    text = "one two\n  three\nfour\n\nfive"
    assert tokenizer.pieces(text, 18) == ["one two\n  three\n", "four\n\nfive"]
    assert tokenizer.pieces("x" * 10, 4) == ["xxxx", "xxxx", "xx"]
    lines = "\n".join(["merge bytes tokens"] * 500)
    assert "".join(tokenizer.pieces(lines, 100)) == lines
    whole = len(model.encode(lines).ids)
    assert sum(len(model.encode(piece).ids) for piece in tokenizer.pieces(lines, 1000)) == whole


def test_text_cannot_spell_a_special_token(tmp_path: Path) -> None:
    lay_out(tmp_path, make_documents(["<|endoftext|>", ""]), 1)
    train(tmp_path, 1)
    tokens = count(tmp_path)["tokens"].to_pylist()
    assert tokens[0] > 1
    assert tokens[1] == 0


def test_a_given_tokenizer_counts_without_its_truncation_and_padding(tmp_path: Path) -> None:
    documents = pool()
    lay_out(tmp_path, documents, 1)
    expected = Tokenizer.from_file(str(train(tmp_path, 1)))
    cut = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    cut.enable_truncation(5)
    cut.enable_padding(length=50)
    given = tmp_path / "given.json"
    cut.save(str(given))
    config = tokenizer.Config(file=str(given))
    tokenizer.run_given(config, given=given, output=tmp_path / "tokenizer.json", report=tmp_path / "training.json")
    assert (tmp_path / "tokenizer.json").read_bytes() == given.read_bytes()
    digest = hashlib.sha256(given.read_bytes()).hexdigest()
    size = expected.get_vocab_size()
    assert read_json(tmp_path / "training.json") == {"trained": False, "vocabulary_size": size, "model_sha256": digest}
    files = {"given": given, "output": tmp_path / "again.json", "report": tmp_path / "again"}
    tokenizer.run_given(tokenizer.Config(file=str(given), sha256=digest.upper()), **files)
    with pytest.raises(SourceError, match=r"given\.json: its SHA-256 is .*tokenizer\.sha256 says 00"):
        tokenizer.run_given(tokenizer.Config(file=str(given), sha256="0" * 64), **files)
    table = count(tmp_path)
    counts = [len(expected.encode(text).ids) for text in table["text"].to_pylist()]
    assert table["tokens"].to_pylist() == counts
    assert 0 in counts or min(counts) < 50 < max(counts)


def test_a_tokenizer_that_is_not_the_one_that_was_made_counts_nothing(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(20), 1)
    model = train(tmp_path, 1)
    # Another number of a merge is another tokenizer, and no less a whole one.
    changed = model.read_text().replace('"type": "BPE"', '"type":  "BPE"')
    model.write_text(changed)
    with pytest.raises(SourceError, match=r"tokenizer\.json: damaged"):
        count(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", json.dumps({"model": {"type": "none"}})])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    given = tmp_path / "given.json"
    given.write_text(content)
    with pytest.raises(ModelError, match=r"given\.json: not a readable tokenizer.json"):
        tokenizer.load(given)
    with pytest.raises(ModelError, match=r"missing\.json"):
        tokenizer.load(tmp_path / "missing.json")


def test_an_empty_pool_still_gives_a_tokenizer_of_bytes(tmp_path: Path) -> None:
    lay_out(tmp_path, pool(2).slice(0, 0), 2)
    model = Tokenizer.from_file(str(train(tmp_path, 2)))
    assert model.get_vocab_size() == 257
    assert count(tmp_path, 1).num_rows == 0
