"""More workers than one: what a request costs, and how many are answered. In: burgee or nginx. Out: figures by their number and place.

The clients and the application keep their one core. The proxy has the other, then all of them: the second worker takes what the load
leaves. How busy both sides are says what stops the growth.
"""

import machine
from machine import Proxy, load
from work import Work

COUNTS = (1, 2, 4)
PLACES = {"one core": 0, "all cores": None}


def workers(application, name, scale):
    figures = {}
    for place, core in PLACES.items():
        for count in COUNTS:
            with Proxy(application, name, Work(workers=count), first=False, core=core) as proxy:
                load(proxy.port, seconds=0.3 * scale)
                # the clients' own word; the proxy's and the application's by the kernel
                before, behind = proxy.cpu(), machine.cpu(application.process)
                report = load(proxy.port, seconds=1.5 * scale)
                took = report["seconds"]
                spent, behind = proxy.cpu() - before, machine.cpu(application.process) - behind
            each = {"cpu": spent / 1e3 / report["answers"], "rate": report["answers"] / took,
                    "busy": spent / 1e9 / took, "load": report["busy"] + behind / 1e9 / took}
            figures |= {f"{figure} of {count} workers, {place}": value for figure, value in each.items()}
    return figures
