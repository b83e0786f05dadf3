"""The peer of `cargo xtask bench relay` on wse-server: an application that passes on what clients publish.

usage: wse-app.py PORT [RECOVERED]    on 127.0.0.1; exits with its parent.

RECOVERED is how many messages of a topic are kept for clients that reconnect. Text other than JSON reaches the
application unparsed, which is the cheapest way in:
  SUB topic                subscribe                         -> READY
  PUB topic {json}         broadcast_local(topic, json)
  REC topic epoch offset   subscribe_with_recovery           -> READY
  GO topic count {json}    broadcast_local count times: the server publishes by itself, as in WSE's own benchmark
JSON reaches it parsed. WSE's documentation shows {"c":"U","t":"publish","p":{"topic":T,"data":D}}.
"""

import json
import os
import sys
import threading
import time

from wse_server import RustWSEServer

port = int(sys.argv[1])
recovered = int(sys.argv[2]) if len(sys.argv) > 2 else 0
parent = os.getppid()
recovery = {
    "recovery_enabled": True,
    "recovery_buffer_size": recovered,
    "recovery_max_messages": recovered,
}
server = RustWSEServer(
    "127.0.0.1",
    port,
    20000,
    rate_limit_capacity=1e9,
    rate_limit_refill=1e9,
    ping_interval=600,
    idle_timeout=1200,
    **(recovery if recovered else {}),
)
server.enable_drain_mode()
server.start()

READY = '{"c":"WSE","t":"subscription_update","p":{"action":"ready"}}'
encode = json.JSONEncoder(separators=(",", ":")).encode
broadcast = server.broadcast_local


def raw(connection, text):
    verb, topic, rest = (text.split(" ", 2) + [""])[:3]
    if verb == "PUB":
        broadcast(topic, rest)
    elif verb == "SUB":
        server.subscribe_connection(connection, [topic])
        server.send(connection, READY)
    elif verb == "GO":
        count, message = rest.split(" ", 1)
        for _ in range(int(count)):
            broadcast(topic, message)
    elif verb == "REC":
        epoch, offset = rest.split(" ")
        server.send(connection, READY)
        server.subscribe_with_recovery(
            connection, [topic], recover=True, epoch=epoch, offset=int(offset)
        )


def work():
    while True:
        for kind, connection, data in server.drain_inbound(256, 50):
            if kind == "raw":
                raw(connection, data)
            elif kind == "msg":
                p = data["p"]
                broadcast(p["topic"], encode({"c": "U", "t": "message", "p": {"data": p["data"]}}))


threading.Thread(target=work, daemon=True).start()
while os.getppid() == parent:
    time.sleep(0.5)
