import gzip
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from portal import directory, outside
from portal.directory import fetching
from portal.outside import STRICT, Allowance, Fetcher, FetchFailed
from tests.feeds import HERE, Answer, a_row, serving


def code_of(url: str, allowance: Allowance = HERE, seconds: float = outside.SECONDS) -> str:
    with closing(Fetcher(allowance, seconds=seconds)) as fetcher, pytest.raises(FetchFailed) as failed:
        fetcher.get(url, most_bytes=100_000)
    return failed.value.code


def what_stands_at(url: str) -> bytes:
    with closing(Fetcher(HERE)) as fetcher, fetcher.get(url) as file:
        return file.read()


CLOSED = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),  # noqa: S104
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "255.255.255.255", "240.0.0.1", "ff02::1"),
)


@pytest.mark.parametrize("address", CLOSED)
def test_an_address_of_this_house_is_never_open(address: str) -> None:
    assert not outside.is_open(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_an_address_of_the_open_internet_is_open(address: str) -> None:
    assert outside.is_open(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "//example.org/", "example.org", ""),
        *(
            "https://user:word@example.org/",
            "https:///services",
            "https://example.org:0/",
            "https://[::1/",
            "gopher://x",
        ),
    ],
)
def test_only_https_without_a_password_may_be_asked(url: str) -> None:
    assert code_of(url, STRICT) == "refused-address"


HIDDEN = ("127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]")


@pytest.mark.parametrize("host", HIDDEN)
def test_this_machine_is_refused_under_every_name_it_has(host: str) -> None:
    with serving(lambda path, query: (200, {}, b"[]")) as served:
        port = served.base.rpartition(":")[2]
        assert code_of(f"https://{host}:{port}/", STRICT) == "refused-address"
        assert served.asked == []


def test_a_name_that_leads_to_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when one of several answers is a public one: the connection could go to either."""
    answers = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answers)
    tried: list[object] = []
    monkeypatch.setattr(socket, "create_connection", lambda *args, **kwargs: tried.append(args))
    assert code_of("https://directory.example/", STRICT) == "refused-address"
    assert tried == []


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second answer of the resolver, which could be another, is never asked for."""
    asked: list[str] = []
    tried: list[object] = []

    def resolve(host: str, *_args: object, **_kwargs: object) -> list[object]:
        asked.append(host)
        return [(2, 1, 6, "", ("93.184.216.34", 443))]

    def connect(address: object, **_kwargs: object) -> None:
        tried.append(address)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    assert code_of("https://directory.example/", STRICT) == "not-reached"
    assert (asked, tried) == (["directory.example"], [("93.184.216.34", 443)])


def test_a_redirect_to_this_house_is_refused_and_never_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server stands in for one of the open internet: its own address is let through, and no other."""
    really = Allowance.covers
    with serving(lambda path, query: (200, {}, b"secret")) as inside:
        target = inside.base.replace("127.0.0.1", "localhost")

        def answer(path: str, query: dict[str, str]) -> Answer:
            return 302, {"Location": target + "/admin"}, b""

        with serving(answer) as public:
            monkeypatch.setattr(outside, "check", lambda url, allowance: None)
            seen = iter([True])
            monkeypatch.setattr(Allowance, "covers", lambda self, address: next(seen, False) or really(self, address))
            assert code_of(public.base + "/services", STRICT) == "refused-address"
            assert len(public.asked) == 1
        assert inside.asked == []


def test_a_redirect_is_followed_a_few_times_only() -> None:
    def answer(path: str, query: dict[str, str]) -> Answer:
        if path == "/new":
            return 200, {}, b"[1]"
        return (301, {"Location": "/new"}, b"") if path == "/old" else (302, {"Location": path + "x"}, b"")

    with serving(answer) as served:
        assert what_stands_at(served.base + "/old") == b"[1]"
        assert code_of(served.base + "/round") == "moved-too-often"
        assert len(served.asked) == 2 + 5


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, {}, b""), "answered-badly"),
        ((404, {}, b""), "answered-badly"),
        ((204, {}, b""), "answered-badly"),
        ((200, {"Content-Encoding": "br"}, b"x"), "compressed"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "compressed"),
        ((200, {}, b"x" * 100_001), "too-much"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * 50_000_000)), "too-much"),
        ((200, {"Content-Length": "50"}, b"short"), "not-reached"),
    ],
)
def test_an_answer_that_is_none_is_refused(answer: Answer, code: str) -> None:
    with serving(lambda path, query: (answer[0], {**answer[1], "Connection": "close"}, answer[2])) as served:
        seconds = 1.0 if code == "not-reached" else 25.0
        assert code_of(served.base, seconds=seconds) in (code, "too-slow")


def test_a_packed_answer_is_unpacked() -> None:
    content = json.dumps([a_row()] * 50).encode()
    with serving(lambda path, query: (200, {"Content-Encoding": "gzip"}, gzip.compress(content))) as served:
        assert what_stands_at(served.base) == content


def test_data_without_end_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * 65_536

    with serving(lambda path, query: endless()) as served:
        assert code_of(served.base) == "too-much"


def test_a_server_that_drips_is_cut_off_when_the_time_is_over() -> None:
    def dripping() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(0.02)

    with serving(lambda path, query: dripping()) as served:
        assert code_of(served.base, seconds=0.4) == "too-slow"


def test_a_server_that_is_silent_is_too_slow() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    try:
        assert code_of(f"http://127.0.0.1:{listening.getsockname()[1]}/", seconds=0.3) == "too-slow"
    finally:
        listening.close()


def test_nobody_there_is_said_plainly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert code_of(f"http://127.0.0.1:{port}/") == "not-reached"
    assert code_of("http://no-such-host.invalid/") == "not-reached"


def test_no_proxy_and_no_password_of_ours_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with serving(lambda path, query: (200, {}, b"[]")) as served, Fetcher(HERE).get(served.base) as file:
        assert file.read() == b"[]"


@pytest.mark.parametrize(
    ("typed", "page", "one"),
    [
        (
            "https://x.example/api",
            "https://x.example/api/services?page=2&per_page=50",
            "https://x.example/api/services/a%2Fb",
        ),
        ("https://x.example/api/services/", "https://x.example/api/services?page=2&per_page=50", ""),
        ("https://x.example/", "https://x.example/services?page=2&per_page=50", ""),
        (
            "https://x.example/v3/service_at_locations?postcode=PE27&page=9",
            "https://x.example/v3/service_at_locations?postcode=PE27&page=2&per_page=50",
            "https://x.example/v3/service_at_locations/a%2Fb",
        ),
        ("https://x.example/all.json?key=1", "https://x.example/all.json?key=1", ""),
    ],
)
def test_what_somebody_types_is_understood(typed: str, page: str, one: str) -> None:
    feed = fetching.Feed.at(typed)
    assert feed.page(2) == page
    assert not one or feed.one("a/b") == one


@pytest.mark.parametrize(
    ("about", "rows", "last"),
    [
        ({"last_page": True, "total_pages": 9}, 5, True),
        ({"last_page": False, "total_pages": 9}, 5, False),
        ({"total_pages": 1}, 5, True),
        ({"totalPages": 2, "last": False}, 5, False),
        ({"last_page": False}, 0, True),
        ({"last_page": False}, 5, False),
        ({}, 5, True),
        ({"total_pages": "many", "last_page": "no"}, 5, False),
    ],
)
def test_the_last_page_is_known(about: dict[str, object], rows: int, last: bool) -> None:
    assert fetching.is_last(about, 1, rows) is last


NETWORK = Allowance(network=True)


@pytest.mark.parametrize("address", ["10.1.2.3", "172.31.0.1", "192.168.1.1", "fd12:3456::1", "93.184.216.34"])
def test_who_runs_the_server_may_allow_the_private_networks_of_the_house(address: str) -> None:
    assert NETWORK.covers(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "169.254.169.254", "0.0.0.0", "100.100.100.200", "fd00:ec2::254"),  # noqa: S104
        *("::1", "fe80::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "224.0.0.1", "64:ff9b::7f00:1"),
    ],
)
def test_this_machine_and_the_secrets_of_a_cloud_are_never_part_of_a_network(address: str) -> None:
    assert not NETWORK.covers(address)


def test_a_network_of_the_house_is_asked_over_https_alone() -> None:
    assert code_of("http://10.1.2.3/", NETWORK) == "refused-address"


def test_what_can_go_wrong_outside_has_a_sentence_for_a_feed() -> None:
    assert set(outside.CODES) <= set(directory.ERRORS)
