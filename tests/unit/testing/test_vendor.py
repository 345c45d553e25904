"""The scripted vendor: it routes, remembers, and misbehaves exactly as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from carecli.testing import Answer, Request, ScriptedVendor, Trouble


class Shop(ScriptedVendor):
    def __init__(self) -> None:
        super().__init__()
        self.orders: list[str] = []
        self.on("GET", "/orders/{number}", lambda _, number: Answer({"number": number}))
        self.on("GET", "/orders", lambda request: Answer({"orders": self.orders, "page": request.query.get("page")}))
        self.on("POST", "/orders", self.order)
        self.on("GET", "/broken", self.broken)
        self.on("GET", "/file.bin", lambda _: Answer(b"\x00\x01", headers={"X-Kind": "bytes"}))

    def broken(self, request: Request) -> Answer:
        raise KeyError(request.path)

    def order(self, request: Request) -> Answer:
        self.orders.append(request.json()["item"])
        return Answer({"id": len(self.orders)}, 201)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as made:
        yield made


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop.url, timeout=5) as made:
        yield made


def test_it_routes_and_remembers(shop: Shop, client: httpx.Client) -> None:
    assert client.post("/orders", json={"item": "kettle"}, headers={"X-Mark": "1"}).json() == {"id": 1}
    assert client.get("/orders", params={"page": "2"}).json() == {"orders": ["kettle"], "page": "2"}
    assert client.get("/orders/7").json() == {"number": "7"}
    file = client.get("/file.bin")
    assert (file.content, file.headers["X-Kind"]) == (b"\x00\x01", "bytes")
    assert client.get("/orders/7/x").status_code == 404
    assert client.delete("/orders").status_code == 404
    assert [(each.method, each.path) for each in shop.requests][:2] == [("POST", "/orders"), ("GET", "/orders")]
    assert shop.requests[0].headers["x-mark"] == "1"
    assert shop.requests[0].writes
    assert not shop.requests[1].writes


def test_a_route_that_raises_is_the_tests_to_see(shop: Shop, client: httpx.Client) -> None:
    assert client.get("/broken").status_code == 500
    assert [type(each) for each in shop.errors] == [KeyError]


def test_it_asks_for_the_token(shop: Shop, client: httpx.Client) -> None:
    shop.token = "t1"
    assert client.get("/orders").status_code == 401
    assert client.get("/orders", headers={"Authorization": "Bearer t1"}).status_code == 200


@pytest.mark.parametrize(
    ("trouble", "status"), [(Trouble.refuse(), 401), (Trouble.error(), 503), (Trouble.error(422, "too long"), 422)]
)
def test_it_refuses_until_it_is_healed(shop: Shop, client: httpx.Client, trouble: Trouble, status: int) -> None:
    shop.script(trouble)
    for _ in range(2):
        answer = client.post("/orders", json={"item": "kettle"})
        assert answer.status_code == status
        assert answer.json()["error"]
    assert shop.orders == []
    shop.heal()
    assert client.post("/orders", json={"item": "kettle"}).status_code == 201


def test_it_says_how_long_to_wait(shop: Shop, client: httpx.Client) -> None:
    shop.script(Trouble.throttle(30, times=1))
    answer = client.get("/orders")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert client.get("/orders").status_code == 200


def test_it_acts_and_loses_the_answer(shop: Shop, client: httpx.Client) -> None:
    shop.script(Trouble.lose(times=1, only=lambda request: request.writes))
    assert client.get("/orders").json()["orders"] == []
    with pytest.raises(httpx.TransportError):
        client.post("/orders", json={"item": "kettle"})
    assert shop.orders == ["kettle"]
    shop.script(Trouble.drop(times=2))
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.post("/orders", json={"item": "pan"})
    assert shop.orders == ["kettle"]
    assert client.get("/orders").json()["orders"] == ["kettle"]


def test_faults_are_met_in_order(shop: Shop, client: httpx.Client) -> None:
    for status in (500, 502, 503):
        shop.script(Trouble.error(status, times=1))
    assert [client.get("/orders").status_code for _ in range(4)] == [500, 502, 503, 200]


def test_garbage_is_no_json(shop: Shop, client: httpx.Client) -> None:
    shop.script(Trouble.garbage())
    answer = client.get("/orders")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match="decode"):
        answer.json()


def test_slow_is_right_but_late(shop: Shop, client: httpx.Client) -> None:
    shop.script(Trouble.slow(0.2))
    began = time.monotonic()
    assert client.post("/orders", json={"item": "kettle"}).status_code == 201
    assert time.monotonic() - began >= 0.2
    with pytest.raises(httpx.ReadTimeout):
        client.get("/orders", timeout=0.05)


def test_silence_ends_with_the_server() -> None:
    shop = Shop()
    shop.script(Trouble.silent())
    errors: list[Exception] = []

    def ask() -> None:
        try:
            httpx.get(f"{shop.url}/orders", timeout=20)
        except httpx.TransportError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not shop.requests:
        time.sleep(0.01)
    shop.stop()
    thread.join(5)
    assert len(errors) == 1
    with pytest.raises(httpx.ConnectError):
        httpx.get(shop.url)


def test_many_may_ask_at_once(shop: Shop) -> None:
    def order(item: int) -> None:
        httpx.post(f"{shop.url}/orders", json={"item": str(item)})

    threads = [threading.Thread(target=order, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, shop.orders)) == list(range(20))
