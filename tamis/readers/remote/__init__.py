"""Files that lie elsewhere: `https://`, `http://` and `s3://` addresses, and lists of them.

From the bottom up: what an address is and where its file comes to lie (`addresses`), how servers are reached
(`section`), which machines may be (`guard`), one request (`http`, `s3`), a whole file (`download`), what is known of it
afterwards (`origin`), and which files a source names (`listing`). Readers see local files alone: a file is fetched
whole, by a job of its own, and read where it lies then (docs/decisions/0017-remote-files-are-fetched-whole.md).
"""
