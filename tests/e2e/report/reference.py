#!/usr/bin/env python3
"""The reference of `burgee report --json`: lines of logs in, numbers out. Short and slow; the standard library alone.

    reference.py FILE...        prints what `burgee report --json FILE...` prints, without its words

An ARM is the people whom a draw gave one variant when they met the feature first. Whoever met two variants is in no arm. A STRATUM is
one rule's people who were drawn with nearly the same shares: only these are compared with each other. A GROUP is one of 32 parts of
all people; variance is taken between groups, each left out in turn.
"""
import gzip
import hashlib
import json
import sys
from datetime import datetime, timezone
from math import exp, expm1, inf, log, sqrt

GROUPS, LEAST_GROUPS, BEND, ERROR, WIDEST, LEVEL = 32, 8, 5.0, 0.05, 0.05, 0.001
NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def is_name(text):
    return isinstance(text, str) and 1 <= len(text) <= 160 and set(text) <= NAME


def group(user):
    return hashlib.sha256(user.encode()).digest()[0] >> 3


def micros(text):
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        return None
    return round((at - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() * 1e6)


# ---------------------------------------------------------------- lines
def record(line):
    """-> ("exposure", at, user, feature, variant, draw), ("goal", at, user, goal), ("person", at, user, visitor), or why it is none."""
    begin = line.find(b"{")
    if begin < 0:
        return "other"
    try:
        text = line[begin:].decode()
        fields = json.loads(text)
    except ValueError:
        cut = any(name in line for name in (b"feature_flag.key", b'"goal":', b'"visitor":'))
        return "broken" if begin == 0 or cut else "other"
    if "visitor" in fields and "feature_flag.context.id" in fields:
        at, user, visitor = micros(fields.get("time")), fields["feature_flag.context.id"], fields["visitor"]
        return ("person", at, user, visitor) if at is not None and user and visitor else "broken"
    if "feature_flag.key" not in fields and "goal" not in fields:
        return "other"
    at, user = micros(fields.get("time")), fields.get("feature_flag.context.id")
    if at is None or not isinstance(user, (str, type(None))):
        return "broken"
    if "goal" in fields:
        return ("goal", at, user, fields["goal"]) if is_name(fields["goal"]) else "broken"
    feature, variant, draw = fields["feature_flag.key"], fields.get("feature_flag.result.variant"), fields.get("draw")
    if not is_name(feature) or not is_name(variant):
        return "broken"
    if draw is None:
        return "not_drawn"
    if user is None:
        return "without_user"
    shares = draw.get("shares", {})
    fair = not shares or abs(sum(shares.values()) - 1) < 1e-3 and all(0 <= share <= 1 for share in shares.values())
    return ("exposure", at, user, feature, variant, draw) if fair and "rule" in draw and is_name(draw.get("control")) else "broken"


def people(lines):
    """-> counts of lines; by feature and user the first exposure, and whether there was another variant; by goal and user the last time."""
    counts = dict.fromkeys("read exposures repeated_exposures goals repeated_goals not_drawn without_user left_out broken other".split(), 0)
    features, goals = {}, {}
    records = [record(line) for line in lines]
    persons = [one[2:] for one in records if one[0] == "person"]
    everybody, of = {user for user, _ in persons}, {}
    for user, visitor in persons:
        of.setdefault(visitor, set()).add(user)
    # a browser that several users share is a person of its own, and so is a visitor whose id is a user's
    users = {visitor: min(them) for visitor, them in of.items() if len(them) == 1 and visitor not in everybody}
    for one in records:
        counts["read"] += 1
        if one[0] == "person":
            counts["joined"] = counts.get("joined", 0) + 1
            continue
        if not isinstance(one, str) and one[2] in users:
            one = (*one[:2], users[one[2]], *one[3:])
        if isinstance(one, str):
            counts[one] += 1
        elif one[0] == "goal":
            _, at, user, goal = one
            if user is None:
                counts["without_user"] += 1
                continue
            counts["goals"] += 1
            last = goals.setdefault(goal, {})
            counts["repeated_goals"] += user in last
            last[user] = max(at, last.get(user, at))
        else:
            _, at, user, feature, variant, draw = one
            counts["exposures"] += 1
            met = features.setdefault(feature, {})
            mine = (at, json.dumps(draw, separators=(",", ":")), variant)
            if user in met:
                counts["repeated_exposures"] += 1
                first, in_two = met[user]
                met[user] = min(first, mine), in_two or first[2] != variant
            else:
                met[user] = mine, False
    return counts, features, goals


# ---------------------------------------------------------------- the statistic
def boundary(variance, freedom, one_sided):
    """The normal mixture's, with Student's tail: valid at any look."""
    l = log((variance + BEND) / BEND) - 2 * log(2 * one_sided)
    return inf if freedom <= 0 or l / freedom > 700 else sqrt((variance + BEND) * freedom * expm1(l / freedom))


def share(n, e, one_sided):
    """The share of one arm: n people and e who reached the goal, by group."""
    N, E = sum(n), sum(e)
    if sum(x > 0 for x in n) < LEAST_GROUPS:
        return None
    rate, h = E / N, [x / N for x in n]
    variance = max(sum(((y - rate * x) / (1 - l)) ** 2 for x, y, l in zip(n, e, h)), rate * (1 - rate) * N)
    half = boundary(variance, 1 / sum(l * l for l in h) - 1, one_sided) / N
    return {"value": rate, "low": max(rate - half, 0), "high": min(rate + half, 1)}


def compare(strata, one_sided, unknown):
    """strata: [((n, e) of the control, (n, e) of the tested arm), ...], by group. -> difference (Mantel-Haenszel) and verdict."""
    P, Q, F = [[0.0] * GROUPS, [0.0] * GROUPS], [[0.0] * GROUPS, [0.0] * GROUPS], 0.0
    for arms in strata:
        N, E = [sum(n) for n, _ in arms], [sum(e) for _, e in arms]
        if 0 in N:
            continue
        rate = sum(E) / sum(N)
        for arm, sign in ((0, -1), (1, 1)):
            other = N[1 - arm] / sum(N)
            for g in range(GROUPS):
                P[arm][g] += sign * other * (arms[arm][1][g] - rate * arms[arm][0][g])
                Q[arm][g] += other * other * arms[arm][0][g]
        F += rate * (1 - rate) * N[0] * N[1] / sum(N)
    seen = [sum(q > 0 for q in groups) for groups in Q]
    if min(seen) < LEAST_GROUPS:
        return None, "too_few"
    A, B = sum(map(sum, P)), sum(map(sum, Q))
    whole = [sum(groups) for groups in Q]
    V = [sum(((p - A / B * q) / (1 - q / w)) ** 2 for p, q in zip(*rows)) for *rows, w in zip(P, Q, whole)]
    predicted = V[0] * whole[1] / whole[0] + V[1] * whole[0] / whole[1]
    variance = max(sum(V) + 2 / 3 * max(predicted - sum(V), 0), F)
    freedom = 2 * (min(w * w / sum(q * q for q in groups) for groups, w in zip(Q, whole)) - 1)
    value, half = A / B, boundary(variance, freedom, one_sided) / B + unknown
    low, high = max(value - half, -1), min(value + half, 1)
    more = min(sum(p > 0 for p in P[1]), seen[0])
    less = min(sum(p < 0 for p in P[0]), seen[1])
    if low > 0 and more >= LEAST_GROUPS:
        verdict = "more_often"
    elif high < 0 and less >= LEAST_GROUPS:
        verdict = "less_often"
    else:
        verdict = "too_few" if max(-low, high) > WIDEST else "no_difference_seen"
    return {"value": value, "low": low, "high": high}, verdict


def split(first, arms):
    """People at their first exposure are trials, until some are held back. -> how many should be in each arm, and how unlikely it all is."""
    S, V, expected, N = ([0.0] * len(arms) for _ in range(4))
    held = {}
    for at, text, _ in first:
        draw = json.loads(text)
        if not draw.get("shares"):
            held[draw["rule"]] = min(at, held.get(draw["rule"], at))
    for at, text, variant in first:
        draw = json.loads(text)
        shares = draw.get("shares")
        counts = shares and at < held.get(draw["rule"], inf)
        for i, arm in enumerate(arms if counts else ()):
            p = shares.get(arm, 0)
            expected[i], V[i], N[i] = expected[i] + p, V[i] + p * (1 - p), N[i] + 1
            S[i] += (arm == variant) - p
    if not N[0]:
        return expected, None
    p = min(min(1, sqrt((v + BEND) / BEND) * exp(-s * s / (2 * (v + BEND)))) for s, v in zip(S, V))
    p = min(1, p * max(len(arms) - 1, 1))
    return expected, {"people": int(N[0]), "p": p, "broken": p < LEVEL}


# ---------------------------------------------------------------- a report
def strata(met):
    """-> [{user: (first exposure, in two arms)}, ...]: by rule and shares; in the order of time, the first of its kind begins one."""
    out = []
    for user, (first, in_two) in sorted(met.items(), key=lambda item: item[1][0]):
        draw = json.loads(first[1])
        rule, shares = draw["rule"], draw.get("shares", {})
        like = lambda one: one[0] == rule and all(near(shares.get(v, 0), one[1].get(v, 0)) for v in {*shares, *one[1]})
        stratum = next(filter(like, out), None)
        if stratum is None:
            out.append(stratum := (rule, shares, {}))
        stratum[2][user] = first, in_two
    return [members for _, _, members in out]


def near(one, two):
    return abs(one - two) <= min(0.01, 0.1 * min(one, two))


def feature(met, goals):
    first = sorted(one for one, _ in met.values())
    draw, known = json.loads(first[-1][1]), {variant for _, _, variant in first}
    control = draw["control"] if draw["control"] in {*known, *draw.get("shares", {})} else min(known)
    arms = sorted({control, *(variant for _, _, variant in first)}, key=lambda arm: (arm != control, arm))
    parts = strata(met)
    of = lambda part, arm: [(user, one[0]) for user, (one, in_two) in part.items() if one[2] == arm and not in_two]
    gone = lambda part, arm: sum(one[2] == arm and in_two for one, in_two in part.values())

    def counts(part, arm, last):
        n, e = [0] * GROUPS, [0] * GROUPS
        for user, at in of(part, arm):
            n[group(user)] += 1
            e[group(user)] += last.get(user, at - 1) >= at
        return n, e

    expected, said = split(first, arms)
    out = {"control": control, "split": said, "goals": {}, "arms": [
        {"variant": arm, "people": sum(variant == arm for _, _, variant in first), "in_two_arms": sum(gone(part, arm) for part in parts),
         "drawn": expected[i] if said else None} for i, arm in enumerate(arms)]}
    one_sided = ERROR / 2 / ((max(len(arms), 2) - 1) * max(len(goals), 1))
    for goal, last in sorted(goals.items()):
        table = [[counts(part, arm, last) for arm in arms] for part in parts]
        total = [[[sum(x) for x in zip(*(row[i][j] for row in table))] for j in (0, 1)] for i in range(len(arms))]
        compared = []
        for i, arm in list(enumerate(arms))[1:]:
            weight = unknown = 0.0
            for part, row in zip(parts, table):
                n, m = [sum(row[j][0]) for j in (0, i)], [gone(part, arms[j]) for j in (0, i)]
                w = n[0] * n[1] / sum(n) if 0 not in n else 0
                weight += w
                unknown += w * sum(y / max(x + y, 1) for x, y in zip(n, m))
            difference, verdict = compare([(row[0], row[i]) for row in table], one_sided, unknown / weight if weight else 0)
            compared.append({"variant": arm, "difference": difference, "verdict": "refused" if said and said["broken"] else verdict})
        out["goals"][goal] = {
            "late": sum(last[user] < one[0] for user, (one, _) in met.items() if user in last),
            "not_exposed": sum(user not in met for user in last),
            "arms": [{"variant": arm, "people": sum(n), "reached": sum(e), "share": share(n, e, one_sided)} for arm, (n, e) in zip(arms, total)],
            "compared": compared}
    return out


def report(lines):
    counts, features, goals = people(lines)
    return {"lines": counts, "features": {key: feature(met, goals) for key, met in sorted(features.items())}}


def read(path):
    with open(path, "rb") as file:
        text = file.read()
    text = gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text
    return text.removesuffix(b"\n").split(b"\n") if text else []


if __name__ == "__main__":
    print(json.dumps(report(line for path in sys.argv[1:] for line in read(path))))
