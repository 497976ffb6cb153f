"""What a person questions the results with: counts, manifest, DuckDB views, the page, one document's story."""
