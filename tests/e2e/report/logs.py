"""Logs that are made up, from a seed: what 20 kinds of experiments leave behind. In: a number. Out: lines, in the order of no clock."""
import hashlib
import json
import random

MINUTE = 60_000_000
START = 1_795_000_000_000_000  # 2026-11-18T14:26:40Z
KINDS = 20


def time(at):
    from datetime import datetime, timedelta, timezone
    return (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def exposure(at, user, feature, variant, draw=None, reason="split"):
    line = {"time": time(at), "feature_flag.key": feature, "feature_flag.result.variant": variant, "feature_flag.result.reason": reason,
            "feature_flag.version": "0123456789abcdef"}
    if user is not None:
        line["feature_flag.context.id"] = user
    if draw is not None:
        line["draw"] = draw
    return json.dumps(line, separators=(",", ":"))


def goal(at, user, name, features):
    line = {"time": time(at), "goal": name, "feature_flag.version": "0123456789abcdef"}
    if user is not None:
        line["feature_flag.context.id"] = user
    return json.dumps({**line, "features": features}, separators=(",", ":"))


BROKEN = ['{"time":"2026-11-2', '{"time":"2026-11-20T00:00:00.000000Z","feature_flag.key":"checkout"}', '{"goal":"purchase"}',
          '{"time":"soon","goal":"purchase"}', '{"time":"2026-11-20T00:00:00.000000Z","goal":7}', '{"time":"2026-11-20T00:00:00.000000Z","goal":"a b"}',
          '{"time":"2026-11-20T00:00:00.000000Z","feature_flag.key":"checkout","feature_flag.result.variant":"on","feature_flag.context.id":"a","draw":{"rule":"-"}}',
          '{"time":"2026-11-20T00:00:00.000000Z","feature_flag.key":"checkout","feature_flag.result.variant":"on","feature_flag.context.id":"a","draw":{"rule":"-","control":"off","shares":{"off":0.2,"on":0.2}}}',
          'pod-1 {"time":"2026-11-20T00:00:00.000000Z","feature_flag.key":"che']
OTHER = ["", "2026-11-20T00:00:00Z  INFO burgee listens", '{"timestamp":"2026-11-20T00:00:00Z","level":"INFO","message":"request"}', "an {odd} line"]


def log(kind, people=1500):
    """-> lines. `kind` is 0 to KINDS - 1; each third has more people."""
    r = random.Random(1000 + kind)
    people = people * (4 if kind % 3 == 0 or kind == 10 else 1)
    control = "control" if kind % 2 else "off"
    arms = {control: .5, "on": .5}
    if kind in (2, 9):
        arms = {control: .5, "a": .25, "b": .25}
    if kind in (4, 13):
        arms = {control: .9, "on": .1}
    effect = (0, .03, -.04, .1)[kind % 4]
    lines, days = [], 14
    for number in range(people):
        user = f"user {number}@example" if kind == 5 else hashlib.sha256(f"{kind} {number}".encode()).hexdigest()[:16]
        at = START + r.randrange(days * 1440) * MINUTE + r.randrange(MINUTE)
        rule = "staff" if kind in (6, 15) and r.random() < .2 else "-"
        shares = {control: .1, "on": .9} if rule == "staff" else dict(arms)
        if kind in (7, 16):                                   # a glide from 1% to 61%
            on = round(.01 + .6 * (at - START) / (days * 1440 * MINUTE), 6)
            shares = {control: round(1 - on, 6), "on": on}
        if kind == 8:                                         # a step
            on = .1 if at < START + 7 * 1440 * MINUTE else .5
            shares = {control: round(1 - on, 6), "on": on}
        draw = r.random()
        for variant, part in shares.items():
            draw -= part
            if draw < 0:
                break
        if kind == 10 and variant == "on" and r.random() < .5:  # people who are lost
            continue
        written = {"rule": rule, "control": control, "shares": shares}
        if kind == 11:
            del written["shares"]                             # laid end to end
        feature = "shop.checkout"
        base = .3 if rule == "staff" else .1
        visits = 1 + (r.random() < .3) + (r.random() < .1)
        for visit in range(visits):
            lines.append(exposure(at + visit * 600 * MINUTE, user, feature, variant, written))
        moved = kind in (8, 12) and variant == control and r.random() < .02
        if moved:
            lines.append(exposure(at + 2000 * MINUTE, user, feature, "on", written))
        if kind == 14 and r.random() < .5:                    # a second feature
            half = {"rule": "-", "control": "gold", "shares": {"gold": .5, "silver": .5}}
            lines.append(exposure(at + MINUTE, user, "briefcase", "gold" if r.random() < .5 else "silver", half))
        if kind == 14:                                        # a third, whose default is never drawn
            third = {"rule": "-", "control": "off", "shares": {"green": .5, "blue": .5}}
            lines.append(exposure(at + MINUTE, user, "colour", "green" if r.random() < .5 else "blue", third))
        if r.random() < base + (effect if variant != control else 0):
            late = -MINUTE if r.random() < .1 else r.randrange(3000 * MINUTE)
            for again in range(1 + (r.random() < .2)):
                lines.append(goal(at + late + again * MINUTE, user, "purchase", {feature: variant}))
        if r.random() < .05:
            lines.append(goal(at + r.randrange(MINUTE), user, "sign-up", {}))
    for number in range(people // 50):
        stranger = hashlib.sha256(f"nobody {number}".encode()).hexdigest()[:16]
        lines.append(goal(START + number, stranger, "purchase", {}))
        lines.append(exposure(START + number, stranger, "shop.checkout", control, reason="default"))
        lines.append(exposure(START + number, None, "shop.checkout", control, {"rule": "-", "control": control, "shares": arms}))
        lines.append(goal(START + number, None, "purchase", {}))
    if kind in (3, 17):
        lines += (BROKEN + OTHER) * 7
        lines += lines[: len(lines) // 5]                     # a shipper that sends twice
    r.shuffle(lines)
    return lines
