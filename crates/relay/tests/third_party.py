"""A third-party client of the subprotocol cloudevents.json, with nothing but websocket-client.

    third_party.py URL TOPIC check            publish, repeat, resume; prints "checked"
    third_party.py URL TOPIC publish TEXT     publish one chat message; prints its offset
    third_party.py URL TOPIC read TEXT        wait until an event's data holds TEXT; prints the event
    third_party.py URL TOPIC watch TEXT       the same, for an event that is still to come; first prints "ready"

URL is that of the socket, such as ws://127.0.0.1:8080/ws. Fails by an exception and a status that is not 0.
"""

import json
import secrets
import sys
import time
import uuid

import websocket

SECONDS = 30


class Link:
    def __init__(self, url, guest=None):
        """With a secret `guest`, repeats are recognised on every connection that names it."""
        self.socket = websocket.create_connection(
            url, subprotocols=["cloudevents.json"], timeout=SECONDS, suppress_origin=True
        )
        assert self.socket.subprotocol == "cloudevents.json", self.socket.subprotocol
        if guest is not None:
            id = self.send("$link.hello", {"guest": guest})
            self.source = self.receive(lambda it: it["id"] == "welcome:" + id)["data"]["source"]

    def send(self, type, data, **attributes):
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "third-party",
            "type": type,
            "datacontenttype": "application/json",
            "data": data,
        }
        event.update(attributes)
        self.socket.send(json.dumps(event))
        return event["id"]

    def receive(self, wanted):
        """The next event for which `wanted` says so."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            event = json.loads(self.socket.recv())
            assert event["specversion"] == "1.0" and event["id"] and event["source"], event
            assert event["type"] != "$link.reject", event
            if wanted(event):
                return event
        raise TimeoutError("the event did not come")

    def publish(self, topic, data, **attributes):
        """The data of the acknowledgement: where the event stands."""
        id = self.send(topic, data, **attributes)
        is_ack = lambda it: it["type"] == "$link.ack" and it["data"]["id"] == id
        return self.receive(is_ack)["data"]

    def subscribe(self, pattern, start):
        self.send("$link.subscribe", {"pattern": pattern, "from": start})
        is_subscribed = (
            lambda it: it["type"] == "$link.subscribed" and it["data"]["pattern"] == pattern
        )
        data = self.receive(is_subscribed)["data"]
        assert not data["reset"], data
        return data["head"]

    def close(self):
        self.socket.close()


def message(text):
    return {"sender": {"id": "third-party", "name": "Python"}, "text": text}


def check(url, topic):
    # A secret of its own, with 128 bits; a client that is to be known after it ends keeps it.
    guest = secrets.token_hex(16)
    link = Link(url, guest)
    first_id = str(uuid.uuid4())
    first = link.publish(topic, message("first"), id=first_id)
    assert link.publish(topic, message("first"), id=first_id) == first, "a repeat has its position"
    second = link.publish(topic, message("second é 😀"))
    assert int(second["offset"]) > int(first["offset"]), (first, second)
    link.close()

    # Another connection of the same guest: the position is the log's, not the connection's.
    source = link.source
    link = Link(url, guest)
    assert link.source == source and guest not in source, link.source
    assert link.publish(topic, message("first"), id=first_id) == first, "also on another connection"
    after = {key: first[key] for key in ("stream", "epoch", "offset")}
    link.subscribe(topic, [after])
    event = link.receive(lambda it: it["type"] == topic)
    assert event["data"]["text"] == "second é 😀", event
    place = (event["stream"], event["epoch"], event["sequence"], event["prev"])
    assert place == ("main", first["epoch"], second["offset"], first["offset"]), event
    assert event["source"] == source + "/third-party" and event["time"], event
    link.close()

    # Another guest with the same ids is another publisher: without a secret a guest is new on each connection.
    for other in (None, secrets.token_hex(16)):
        link = Link(url, other)
        again = link.publish(topic, message("first"), id=first_id)
        assert int(again["offset"]) > int(second["offset"]), (other, again)
        link.close()
    print("checked")


def main():
    url, topic, mode, *rest = sys.argv[1:]
    if mode == "check":
        return check(url, topic)
    link = Link(url)
    if mode == "publish":
        print(link.publish(topic, message(rest[0]))["offset"])
    elif mode in ("read", "watch"):
        link.subscribe(topic, "earliest" if mode == "read" else "latest")
        if mode == "watch":
            print("ready", flush=True)
        holds = lambda it: it["type"] == topic and rest[0] in json.dumps(it.get("data"), ensure_ascii=False)
        print(json.dumps(link.receive(holds)))
    else:
        raise SystemExit(__doc__)
    link.close()


main()
