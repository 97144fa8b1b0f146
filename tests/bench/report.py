"""Where the figures go. In: the JSON of `run.py`. Out: Markdown: all of it in RESULTS.md, and from there some rows and the picture in
the README, each with its date, commit and build."""

import re

import picture
import tools
from tables import NAMES, NOT_RESOLVED, ROWS, apart, beside, features, sent_again, slowest, values, workers

README = tools.ROOT / "README.md"
RESULTS = tools.ROOT / "tests/bench/RESULTS.md"
PICTURE = tools.ROOT / ".github/performance.svg"
MARKS = "<!-- from here to the end mark: make bench ARGS=--readme -->\n", "<!-- end of the figures -->\n"
TAIL_MARKS = "<!-- from here to the end mark: make bench ARGS='--only tail --readme' -->\n", MARKS[1]
PARTIAL = "--readme wants every row of one run: leave --only out, or name `tail` alone"
# what the README shows: where burgee is better than nginx, and where it is worse
IN_README = ("cpu 20", "added p50", "added p99", "memory idle", "memory 10000")


def about(measured):
    versions = ", ".join(f"{NAMES[peer]} {version}" for peer, version in measured["versions"].items() if peer != "burgee")
    quick = " Quick: only what is grossly different shows." if measured["quick"] else ""
    beside = f" Other work ran beside it, at a load of {measured['load']:.0f}: times are rough." if measured["load"] >= 1 else ""
    figures = measured["figures"]
    counts = [f"medians and ranges of {measured['repetitions']}"] * any(not figure.startswith("tail ") for figure in figures)
    counts += [f"medians and quartiles of {measured['pairs']} pairs of fresh processes"] * any(figure.startswith("tail ") for figure in figures)
    return f"{measured['date']}, {measured['binary']}: {measured['machine']}; {measured['compiler']}; {'; '.join(counts)}.{quick}{beside}\nPeers: {versions}."


def table(measured):
    shown = (beside, features, workers, apart, slowest, sent_again, about)
    return "\n\n".join(part for part in (show(measured) for show in shown) if part)


def between_marks(path, inside, marks=MARKS):
    before, _, rest = path.read_text().partition(marks[0])
    _, mark, after = rest.partition(marks[1])
    if not mark:
        raise SystemExit(f"{path.name} has no lines {marks}")
    path.write_text(f"{before}{marks[0]}\n{inside}\n\n{mark}{after}")


def into_results(measured):
    """All of one run: rows of two commits would not be of one table."""
    if all(figure.startswith("tail ") for figure in measured["figures"]):
        return between_marks(RESULTS, table(measured), TAIL_MARKS)
    if missing := [ROWS[figure][0] for figure in ROWS if not values(measured, figure, "burgee")]:
        raise SystemExit(f"{PARTIAL}; {len(missing)} are missing, the first is {missing[0]}.")
    between_marks(RESULTS, table(measured))
    into_readme()


def into_readme():
    """Rows and the picture, as RESULTS.md has the figures: both can be made again without measuring."""
    head, _, *lines = re.findall(r"^\| .*$", RESULTS.read_text().partition(MARKS[0])[2], re.M)
    named = {line.split(" | ")[0].removeprefix("| "): line for line in reversed(lines)}  # the first table counts
    rows = [named[ROWS[figure][0]] for figure in IN_README]
    when, build, machine = re.search(r"^(\S+), ([^:]*): (.*?);", RESULTS.read_text(), re.M).groups()
    _, _, figures = RESULTS.read_text().partition(MARKS[0])
    rough = "\nOther work ran beside it: times are rough." if "Other work ran beside it" in figures.partition(MARKS[1])[0] else ""
    where = f"{when}, {build}: {machine}; by `make bench`.{rough}"
    between_marks(README, "\n".join([head, f"|{' --- |' * (head.count(' | ') + 1)}", *rows, "", where]))
    peers = [cell.removesuffix(" : nginx").strip() for cell in head.strip("| ").split(" | ") if cell.endswith(" : nginx")]
    told = {ROWS[figure][0]: named[ROWS[figure][0]] for figure in picture.PANELS}
    bars = {what: beside_nginx(peers, row) for what, row in told.items() if NOT_RESOLVED not in row}
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture.draw(bars, f"{when}, {machine}"))


def beside_nginx(peers, row):
    """Ratios of a row of the table; nginx is 1."""
    cells = row.strip("| ").split(" | ")[-len(peers):]
    ratios = [(peer, float(cell.split()[0])) for peer, cell in zip(peers, cells) if cell != "-"]
    return [*ratios[:1], ("nginx", 1.0), *ratios[1:]]
