"""The figures as people read them: tables. In: the JSON of `run.py`. Out: Markdown."""

import statistics

from workers import COUNTS, PLACES

NAMES = {"burgee": "burgee", "nginx": "nginx", "haproxy": "HAProxy", "envoy": "Envoy"}
# figure: what it is, its unit, its digits
ROWS = {
    "cpu 1": ("CPU a request, 1 toggle", "µs", 1),
    "cpu 20": ("CPU, 20 toggles", "µs", 1),
    "cpu 100": ("CPU, 100 toggles", "µs", 1),
    "cpu post": ("CPU, a POST of 10 KiB", "µs", 1),
    "cpu upload": ("CPU, an upload of 10 MB", "µs", 0),
    "cpu 1m": ("CPU, an answer of 1 MiB", "µs", 0),
    "cpu h2 1": ("CPU, HTTP/2, 1 stream a connection", "µs", 1),
    "cpu h2 10": ("CPU, HTTP/2, 10 streams a connection", "µs", 1),
    "cpu grpc unary": ("CPU, a gRPC call", "µs", 1),
    "cpu grpc stream": ("CPU, a message of a gRPC stream", "µs", 1),
    "cpu websocket": ("CPU, a WebSocket message and its echo", "µs", 1),
    "cpu at rate": ("CPU at 4,000 requests a second", "µs", 1),
    "added p50": ("latency added, p50", "µs", 0),
    "added p99": ("latency added, p99", "µs", 0),
    "added p99.9": ("latency added, p99.9", "µs", 0),
    "memory idle": ("memory, idle", "MB", 1),
    "memory 64": ("memory, 64 busy connections", "MB", 1),
    "memory 1000": ("memory, 1,000 busy connections", "MB", 1),
    "memory 10000": ("memory, 10,000 open connections", "MB", 1),
    "memory websockets": ("memory, 10,000 silent WebSockets", "MB", 1),
    "memory after": ("memory, after they closed", "MB", 1),
    "start": ("start to first answer", "ms", 0),
    "binary": ("binary, stripped", "MB", 1),
    "instructions 1": ("instructions a request, user space, 1 toggle", "", 0),
    "instructions more": ("instructions a toggle more, of 20", "", 0),
    "instructions h2": ("instructions, HTTP/2, 10 streams a connection", "", 0),
    "instructions grpc": ("instructions, a gRPC call", "", 0),
    "instructions websocket": ("instructions, a WebSocket message and its echo", "", 0),
    "syscalls": ("system calls a request", "", 1),
}
NOT_RESOLVED = "not resolved"


def values(measured, figure, peer):
    """A value a repetition, or none at all."""
    if figure.startswith("added "):
        latency = figure.removeprefix("added ")
        pairs = zip(values(measured, latency, peer), values(measured, latency, "direct"))
        return [through - direct for through, direct in pairs]
    return measured["figures"].get(figure, {}).get(peer, [])


def median(measured, figure, peer, unit="", digits=0):
    found = values(measured, figure, peer)
    return f"{statistics.median(found):,.{digits}f} {unit}".strip() if found else "-"


def ranged(measured, figure, peer, unit="", digits=0):
    found = values(measured, figure, peer)
    if len(found) < 2:
        return median(measured, figure, peer, unit, digits)
    return f"{median(measured, figure, peer, unit, digits)} ({min(found):,.{digits}f} to {max(found):,.{digits}f})"


def ratios(measured, figure, peer, base="nginx"):
    """To nginx in the same repetition; none if in one of them noise was more than what somebody adds."""
    pairs = list(zip(values(measured, figure, peer), values(measured, figure, base)))
    return [value / other for value, other in pairs] if all(min(pair) > 0 for pair in pairs) else []


def ratio(measured, figure, peer, base="nginx"):
    found = ratios(measured, figure, peer, base)
    if not found:
        return NOT_RESOLVED if values(measured, figure, peer) and values(measured, figure, base) else "-"
    about = f" ({min(found):.2f} to {max(found):.2f})" if len(found) > 1 else ""
    return f"{statistics.median(found):.2f}{about}"


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def beside(measured):
    """Every figure, and everybody's ratio to nginx."""
    there = [peer for peer in NAMES if peer in measured["versions"]]
    others = [peer for peer in there if peer != "nginx"] if "nginx" in there else []
    head = ["", *(NAMES[peer] for peer in there if peer in ("burgee", "nginx") or not others), *(f"{NAMES[peer]} : nginx" for peer in others)]
    rows = []
    for figure, (what, unit, digits) in ROWS.items():
        shown = [median(measured, figure, peer, unit, digits) for peer in there if peer in ("burgee", "nginx") or not others]
        if set(shown) != {"-"}:
            rows.append([what, *shown, *(ratio(measured, figure, peer) for peer in others)])
    return rows and markdown(head, rows)


def features(measured):
    """What features cost."""
    rows = []
    for count in (1, 20, 100, 1000):
        cpu, work = f"cpu {count}", f"instructions {count}"
        if values(measured, cpu, "burgee") or values(measured, work, "burgee"):
            peers = [cell for peer in ("burgee", "nginx") for cell in (ranged(measured, cpu, peer, "µs", 1), median(measured, work, peer))]
            rows.append([f"{count:,}", *peers])
    return rows and markdown(["features", "burgee, CPU a request", "instructions", "nginx, CPU a request", "instructions"], rows)


def workers(measured):
    """More workers than one, on the proxy's core and on all of them."""
    figures = {"cpu": (", CPU a request", "µs", 1), "rate": (": requests a second", "", 0), "busy": (": cores it took", "", 2), "load": (": cores the load took", "", 2)}
    rows = []
    for place in PLACES:
        for count in COUNTS:
            cells = [median(measured, f"{figure} of {count} workers, {place}", peer, *shown) for peer in ("burgee", "nginx") for figure, (_, *shown) in figures.items()]
            rows += [[f"{count}, {place}", *cells]] if set(cells) != {"-"} else []
    return rows and markdown(["workers", *(f"{peer}{what}" for peer in ("burgee", "nginx") for what, *_ in figures.values())], rows)


def apart(measured):
    """What only burgee is asked."""
    rows = []
    for figure in ("p50", "p99", "p99.9"):
        if values(measured, f"{figure} reloading", "burgee"):
            quiet, busy = (ranged(measured, f"{figure} {when}", "burgee", "µs") for when in ("of a large file", "reloading"))
            rows.append([f"latency with a 1 MiB file, {figure}", quiet, f"{busy} while it is read again every second"])
    for figure, what, unit, digits in (("cpu 1", "CPU a request, 1 toggle", "µs", 1), ("added p50", "latency added, p50", "µs", 0)):
        if values(measured, figure, "burgee-unix"):
            tcp, unix = (ranged(measured, figure, peer, unit, digits) for peer in ("burgee", "burgee-unix"))
            rows.append([what, tcp, f"{unix} by `unix:` to the application, {ratio(measured, figure, 'burgee-unix', 'burgee')} of it"])
    for figure in ("instructions 1", "instructions more"):
        if values(measured, f"plain {figure}", "burgee"):
            rows.append([ROWS[figure][0], median(measured, figure, "burgee"), f"{median(measured, f'plain {figure}', 'burgee')} as plain `cargo build --release` makes it"])
    return rows and markdown(["burgee", "as it is", "instead"], rows)


TAILS = {
    "plain": "1 toggle",
    "idle": "1 toggle, beside 1,000 idle connections",
    "full": "20 toggles, burgee's in a file of 1 MiB",
    "reload": "20 toggles, the file read again every second; nginx by `nginx -s reload`",
    "scrape": "20 toggles, `/metrics` read every second; nginx's `stub_status`",
}


def quartiles(ratios):
    if len(ratios) < 2:
        return f"{ratios[0]:.2f}" if ratios else "-"
    first, middle, third = statistics.quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({first:.2f} to {third:.2f})"


def slowest(measured):
    """Medians, and of ratios within a pair the quartiles too. What is added is less what the application takes without a proxy: of a pair in
    which nginx adds nothing that noise has left, there is no ratio, and the cell says how many have one."""
    rows = []
    for condition, words in TAILS.items():
        for figure in ("p50", "p99", "p99.9"):
            of = lambda where, peer: values(measured, f"tail {where} {figure}", peer)
            ours, theirs, direct = of(condition, "burgee"), of(condition, "nginx"), of("direct", "direct")
            if not ours:
                continue
            added = [(our - least) / (their - least) for our, their, least in zip(ours, theirs, direct) if their > least]
            told = quartiles(added) + (f" of {len(added)}" if len(added) < len(ours) else "")
            without = {"idle": "plain", "reload": "full", "scrape": "full"}.get(condition)
            itself = [our / quiet for our, quiet in zip(ours, of(without, "burgee"))]
            cells = [median(measured, f"tail {condition} {figure}", peer, "µs") for peer in ("burgee", "nginx")]
            rows.append([f"{words}: {figure}", *cells, quartiles([our / their for our, their in zip(ours, theirs)]), told, quartiles(itself)])
    return rows and markdown(["", "burgee", "nginx", "burgee : nginx", "what it adds : what nginx adds", "burgee : burgee without it"], rows)


def sent_again(measured):
    """An old worker of nginx closes its connections; a request that comes just then goes to a new one, and its latency counts from when it was due."""
    again = {peer: sum(values(measured, "tail reload again", peer)) for peer in ("burgee", "nginx")}
    runs = len(values(measured, "tail reload again", "burgee"))
    return runs and f"Beside the reloads, {again['burgee']:.0f} requests to burgee and {again['nginx']:.0f} to nginx had to be sent again, in {runs} runs each."
