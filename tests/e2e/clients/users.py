"""What the proxy's headers say: 10,000 users, a request each. In: its address. Out: user to feature to variant, as every client must see it."""

import concurrent.futures
import http.client
import json
import threading

USERS = [f"user-{number}" for number in range(10_000)]
FEATURES = ["switch", "banner", "limit", "ratio", "colors"]


def header(feature):
    return "x-feature-" + feature.replace("_", "-")


def through(address, users=USERS, features=FEATURES):
    """Asks an echo application behind `address` (host:port) and reads which features it was told of."""
    local, connections = threading.local(), []

    def ask(user):
        if not hasattr(local, "connection"):
            local.connection = http.client.HTTPConnection(address, timeout=30)
            connections.append(local.connection)
        local.connection.request("GET", "/", headers={"Accept": "application/json", "X-User-Id": user})
        answer = local.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{address}: {answer.status} {body!r}")
        headers = json.loads(body)["headers"]
        return user, {feature: headers.get(header(feature)) for feature in features}

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        told = dict(pool.map(ask, users))
    for connection in connections:
        connection.close()
    return told
