import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis import urls
from tamis.urls import listed_key, url_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://Example.COM:80/a/../b/?utm_source=x&b=2&a=1#frag", "https://example.com/b/?a=1&b=2"),
        ("https://example.com:443/%7Euser/é?q=1&fbclid=3", "http://example.com/~user/%C3%A9?q=1"),
        ("http://bücher.de/x", "https://xn--bcher-kva.de/x"),
        ("example.com/a", "http://example.com/a"),
        ("//example.com/a", "https://example.com/a"),
        (" http://example.com\n", "http://example.com/"),
        ("http://user:secret@example.com/a", "http://example.com/a"),
        ("pkg:PyPI/Django_Foo@4.2#docs/a.txt", "pkg:pypi/django-foo@4.2#docs/a.txt"),
    ],
)
def test_two_spellings_of_one_page_share_a_key(one, other):
    assert url_key(one) == url_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://example.com/a", "http://example.com/A"),
        ("http://example.com/?a=1", "http://example.com/?a=2"),
        ("http://example.com/#!/one", "http://example.com/#!/two"),
        ("pkg:pypi/django@4.2#docs/a.txt", "pkg:pypi/django@5.2#docs/a.txt"),
        ("pkg:pypi/django#docs/a.txt", "pkg:pypi/django#docs/A.txt"),
        ("http://example.com:8080/", "http://example.com/"),
    ],
)
def test_different_pages_keep_different_keys(one, other):
    assert url_key(one) != url_key(other)


@pytest.mark.parametrize(
    "url", ["", "http://[bad", "urn:isbn:123", "http://", "::::", "javascript:alert(1)", "\0", "http://a:b:c/"]
)
def test_odd_addresses_have_a_key_and_it_is_stable(url):
    assert url_key(url_key(url)) == url_key(url)


@pytest.mark.parametrize(
    "url", ["http://example.com/a%20b?x=%C3%A9&y", "https://h.example/a//b/?q=a+b", "pkg:pypi/a@1#b c"]
)
def test_a_key_is_its_own_key(url):
    assert url_key(url_key(url)) == url_key(url)


@pytest.mark.parametrize(
    "other",
    [
        "https://example.org/bar",
        "https://example.org/bar/",
        "http://www.example.org/bar",
        "HTTP://WWW.Example.org:80/bar//#part",
        "https://example.org./bar/?utm_source=x",
        "https://example.org:443/b%61r/",
        "example.org/bar",
        "//www.example.org/foo/../bar/?#",
    ],
)
def test_a_listed_page_has_one_key_in_all_spellings(other):
    assert listed_key(url_key(other)) == "https://example.org/bar"


@pytest.mark.parametrize(
    "other",
    [
        "https://example.org/Bar",
        "https://example.org/bar/baz",
        "https://example.org/bar?page=2",
        "https://example.org:8443/bar",
        "https://example.org/bar#!/baz",
        "https://example.org/bar/index.html",
        "https://wwwexample.org/bar",
        "https://www2.example.org/bar",
        "https://example.org/",
        "https://bar.example.org/bar",
    ],
)
def test_other_pages_keep_other_keys_in_lists(other):
    assert listed_key(url_key(other)) != listed_key(url_key("https://example.org/bar"))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://www.example.org", "https://example.org/"),
        ("https://example.org/bar/?a=1", "https://example.org/bar?a=1"),
        ("https://example.org/#!/bar/", "https://example.org/#!/bar/"),
        ("pkg:pypi/a@1#docs/", "pkg:pypi/a@1#docs/"),
        ("urn:a:b/", "urn:a:b/"),
        ("", ""),
    ],
)
def test_the_key_of_a_list_by_hand(url, key):
    assert listed_key(url_key(url)) == key
    assert listed_key(key) == key


SEGMENT = st.from_regex(r"[A-Za-z0-9_.~-]{0,6}", fullmatch=True)


@given(
    st.sampled_from(["http://", "https://", "HTTP://", "//"]),
    st.lists(st.from_regex(r"[a-zA-Z0-9-]{1,5}|xn--[a-z0-9]{3}|[a]{64}", fullmatch=True), min_size=1, max_size=3),
    st.lists(SEGMENT, max_size=4),
    st.sampled_from(["", "/", "//", "?a=1", "#x", ":80/", " "]),
)
def test_plain_addresses_have_the_key_of_the_full_way(scheme, host, path, end):
    url = scheme + ".".join(host) + "".join(f"/{segment}" for segment in path) + end
    assert urls.url_key(url) == urls._full_key("".join(url.split()))
