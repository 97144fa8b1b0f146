"""The picture of the README: bars of everybody's cost beside nginx's. In: the figures. Out: an SVG without anything from outside,
readable on a light page and on a dark one."""

import statistics
from html import escape

PANELS = {
    "cpu 1": "CPU a request, 1 toggle",
    "cpu 20": "CPU, 20 toggles",
    "cpu 100": "CPU, 100 toggles",
    "cpu 1m": "CPU, an answer of 1 MiB",
    "added p50": "latency added, p50",
    "start": "start to first answer",
    "memory idle": "memory, idle",
    "memory 1000": "memory, 1,000 busy connections",
}
NAMES = {"burgee": "burgee", "nginx": "nginx", "haproxy": "HAProxy", "envoy": "Envoy"}
LONGEST = 3.0  # times nginx; a longer bar is cut, and its number says how long it is
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.small { font-size: 11px; fill: #59636e }
.bar { fill: #8c959f }
.ours { fill: #0969da }
.one { stroke: #59636e; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .small { fill: #9198a1 }
  .bar { fill: #656c76 }
  .ours { fill: #4493f8 }
  .one { stroke: #9198a1 }
}
"""
WIDTH, PANEL, ROW, HEAD = 800, 380, 20, 30
BARS = PANEL - 150


def bar(top, peer, ratio):
    length = min(ratio, LONGEST) / LONGEST * BARS
    cut = " …" if ratio > LONGEST else ""
    # not across the line at nginx
    number = max(length, BARS / LONGEST) if length > BARS / LONGEST - 36 else length
    look = "bar ours" if peer == "burgee" else "bar"
    return (f'<text x="62" y="{top + 13}" text-anchor="end">{NAMES[peer]}</text>'
            f'<rect class="{look}" x="70" y="{top + 2}" width="{length:.1f}" height="{ROW - 5}" rx="2"/>'
            f'<text class="small" x="{76 + number:.1f}" y="{top + 13}">{ratio:.2f}{cut}</text>')


def panel(title, bars):
    """One figure: a bar a peer, and a line at nginx."""
    rows = "".join(bar(HEAD + place * ROW, peer, ratio) for place, (peer, ratio) in enumerate(bars))
    one = 70 + BARS / LONGEST
    line = f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD - 2}" y2="{HEAD + len(bars) * ROW}"/>'
    return f'<text class="title" x="70" y="18">{escape(title)}</text>{rows}{line}'


def draw(measured, ratios):
    panels = []
    for figure, title in PANELS.items():
        bars = [(peer, statistics.median(found)) for peer in NAMES if (found := ratios(measured, figure, peer))]
        if bars:
            panels.append((title, bars))
    height = HEAD + max((len(bars) for _, bars in panels), default=0) * ROW + 14
    placed = "".join(f'<g transform="translate({place % 2 * (WIDTH // 2)} {place // 2 * height})">{panel(*one)}</g>' for place, one in enumerate(panels))
    bottom = (len(panels) + 1) // 2 * height + 14
    text = escape(f"Times nginx doing the same work; less is better. {measured['date']}, {measured['machine']}.")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 10}" role="img" aria-label="burgee beside nginx, HAProxy and Envoy">'
            f'<style>{STYLE}</style>{placed}<text class="small" x="70" y="{bottom}">{text}</text></svg>\n')
