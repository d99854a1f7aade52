#!/usr/bin/env python3
"""Writes a small table that looks real: customers, and whether they stayed. make_csv.py [--rows 2000] [--seed 7] > mydata.csv"""

import argparse
import csv
import random
import sys


def rows(count: int, seed: int):
    draw = random.Random(seed)
    for number in range(count):
        plan = draw.choices(["basic", "standard", "premium"], [5, 3, 2])[0]
        region = draw.choice(["north", "south", "east", "west"])
        tenure = int(draw.expovariate(1 / 24)) + 1
        calls = draw.choices(range(8), [30, 25, 15, 10, 8, 6, 4, 2])[0]
        fee = round({"basic": 15, "standard": 30, "premium": 55}[plan] * draw.uniform(0.9, 1.2), 2)
        usage = round(max(0.1, draw.gauss({"basic": 20, "standard": 45, "premium": 90}[plan], 15)), 1)
        leaning = 1.1 * calls - 0.06 * tenure + 0.02 * fee - 0.015 * usage + (0.8 if region == "east" else 0) - 1.2
        stays = "left" if leaning + draw.gauss(0, 0.9) > 0 else "stayed"
        yield f"c{number:05}", plan, region, tenure, calls, fee, usage, stays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["customer", "plan", "region", "tenure_months", "support_calls", "monthly_fee", "gigabytes", "target"])
    out.writerows(rows(options.rows, options.seed))


if __name__ == "__main__":
    main()
