"""The figures as people read them. In: the JSON of `run.py`. Out: Markdown: all of it in RESULTS.md, and from there some rows and
the picture in the README."""

import re
import statistics

import picture
import tools

README = tools.ROOT / "README.md"
RESULTS = tools.ROOT / "tests/bench/RESULTS.md"
PICTURE = tools.ROOT / ".github/performance.svg"
MARKS = "<!-- from here to the end mark: make bench ARGS=--readme -->\n", "<!-- end of the figures -->\n"
# what the README shows: where burgee is better than nginx, and where it is worse
IN_README = ("cpu 20", "added p50", "added p99", "memory idle", "memory 10000")
NAMES = {"burgee": "burgee", "nginx": "nginx", "haproxy": "HAProxy", "envoy": "Envoy"}
# figure: what it is, its unit, its digits
ROWS = {
    "cpu 1": ("CPU a request, 1 toggle", "µs", 1),
    "cpu 20": ("CPU, 20 toggles", "µs", 1),
    "cpu 100": ("CPU, 100 toggles", "µs", 1),
    "cpu post": ("CPU, a POST of 10 KiB", "µs", 1),
    "cpu 1m": ("CPU, an answer of 1 MiB", "µs", 0),
    "cpu at rate": ("CPU at 4,000 requests a second", "µs", 1),
    "added p50": ("latency added, p50", "µs", 0),
    "added p99": ("latency added, p99", "µs", 0),
    "added p99.9": ("latency added, p99.9", "µs", 0),
    "memory idle": ("memory, idle", "MB", 1),
    "memory 64": ("memory, 64 busy connections", "MB", 1),
    "memory 1000": ("memory, 1,000 busy connections", "MB", 1),
    "memory 10000": ("memory, 10,000 open connections", "MB", 1),
    "memory after": ("memory, after they closed", "MB", 1),
    "start": ("start to first answer", "ms", 0),
    "binary": ("binary, stripped", "MB", 1),
    "instructions 1": ("instructions a request, user space, 1 toggle", "", 0),
    "instructions more": ("instructions a toggle more, of 20", "", 0),
    "syscalls": ("system calls a request", "", 1),
}


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
    """To nginx in the same repetition."""
    pairs = zip(values(measured, figure, peer), values(measured, figure, base))
    return [value / other for value, other in pairs if value > 0 and other > 0]


def ratio(measured, figure, peer, base="nginx"):
    found = ratios(measured, figure, peer, base)
    if not found:
        return "-"
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
    return markdown(head, rows)


def features(measured):
    """What features cost."""
    rows = []
    for count in (1, 20, 100, 1000):
        cpu, work = f"cpu {count}", f"instructions {count}"
        if values(measured, cpu, "burgee") or values(measured, work, "burgee"):
            peers = [cell for peer in ("burgee", "nginx") for cell in (ranged(measured, cpu, peer, "µs", 1), median(measured, work, peer))]
            rows.append([f"{count:,}", *peers])
    return rows and markdown(["features", "burgee, CPU a request", "instructions", "nginx, CPU a request", "instructions"], rows)


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


def about(measured):
    versions = ", ".join(f"{NAMES[peer]} {version}" for peer, version in measured["versions"].items() if peer != "burgee")
    quick = " Quick: only what is grossly different shows." if measured["quick"] else ""
    beside = f" Other work ran beside it, at a load of {measured['load']:.0f}: times are rough." if measured["load"] >= 1 else ""
    return (f"{measured['date']}, {measured['binary']}: {measured['machine']}; {measured['compiler']}; "
            f"medians and ranges of {measured['repetitions']}.{quick}{beside}\nPeers: {versions}.")


def table(measured):
    return "\n\n".join(part for part in (beside(measured), features(measured), apart(measured), about(measured)) if part)


def between_marks(path, inside):
    before, _, rest = path.read_text().partition(MARKS[0])
    _, mark, after = rest.partition(MARKS[1])
    if not mark:
        raise SystemExit(f"{path.name} has no lines {MARKS}")
    path.write_text(f"{before}{MARKS[0]}\n{inside}\n\n{mark}{after}")


def into_results(measured):
    between_marks(RESULTS, table(measured))
    into_readme()


def into_readme():
    """Rows and the picture, as RESULTS.md has the figures: both can be made again without measuring."""
    head, _, *lines = re.findall(r"^\| .*$", RESULTS.read_text().partition(MARKS[0])[2], re.M)
    named = {line.split(" | ")[0].removeprefix("| "): line for line in reversed(lines)}  # the first table counts
    rows = [named[ROWS[figure][0]] for figure in IN_README]
    between_marks(README, "\n".join([head, f"|{' --- |' * (head.count(' | ') + 1)}", *rows]))
    peers = [cell.removesuffix(" : nginx").strip() for cell in head.strip("| ").split(" | ") if cell.endswith(" : nginx")]
    bars = {ROWS[figure][0]: beside_nginx(peers, named[ROWS[figure][0]]) for figure in picture.PANELS}
    when, machine = re.search(r"^(\S+), [^:]*: (.*?);", RESULTS.read_text(), re.M).groups()
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture.draw(bars, f"{when}, {machine}"))


def beside_nginx(peers, row):
    """Ratios of a row of the table; nginx is 1."""
    cells = row.strip("| ").split(" | ")[-len(peers):]
    ratios = [(peer, float(cell.split()[0])) for peer, cell in zip(peers, cells) if cell != "-"]
    return [*ratios[:1], ("nginx", 1.0), *ratios[1:]]
