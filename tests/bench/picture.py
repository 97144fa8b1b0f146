"""The picture of the README: bars of everybody's cost beside nginx's. In: ratios to nginx. Out: an SVG without anything from outside,
readable on a light page and on a dark one."""

from html import escape

PANELS = ("cpu 1", "cpu 20", "added p50", "added p99", "added p99.9", "start", "memory idle", "memory 10000")
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
    return (f'<text x="62" y="{top + 13}" text-anchor="end">{peer}</text>'
            f'<rect class="{look}" x="70" y="{top + 2}" width="{length:.1f}" height="{ROW - 5}" rx="2"/>'
            f'<text class="small" x="{76 + number:.1f}" y="{top + 13}">{ratio:.2f}{cut}</text>')


def panel(title, bars):
    """One figure: a bar a peer, and a line at nginx."""
    rows = "".join(bar(HEAD + place * ROW, peer, ratio) for place, (peer, ratio) in enumerate(bars))
    one = 70 + BARS / LONGEST
    line = f'<line class="one" x1="{one:.1f}" x2="{one:.1f}" y1="{HEAD - 2}" y2="{HEAD + len(bars) * ROW}"/>'
    return f'<text class="title" x="70" y="18">{escape(title)}</text>{rows}{line}'


def draw(panels, where):
    height = HEAD + max((len(bars) for bars in panels.values()), default=0) * ROW + 14
    placed = "".join(f'<g transform="translate({place % 2 * (WIDTH // 2)} {place // 2 * height})">{panel(*one)}</g>' for place, one in enumerate(panels.items()))
    bottom = (len(panels) + 1) // 2 * height + 14
    text = escape(f"Times nginx doing the same work; less is better. {where}.")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 10}" role="img" aria-label="burgee beside nginx, HAProxy and Envoy">'
            f'<style>{STYLE}</style>{placed}<text class="small" x="70" y="{bottom}">{text}</text></svg>\n')
