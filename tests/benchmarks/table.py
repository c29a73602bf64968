"""Medians, spreads and ratios of samples that were taken in turns, as a table and as CSV."""

import csv
import statistics

COLUMNS = (
    "line,work,unit,emend,emend_low,emend_high,peer,peer_median,peer_low,peer_high,"
    "ratio,ratio_low,ratio_high,goal,repeats,agreement,machine,versions,date"
).split(",")


class Row:
    """A line's samples of ours and of one peer, the i-th of both taken side by side.

    A sample is seconds or, where `unit` ends in "/s", a rate. `peer` None: there is none."""

    def __init__(self, line, work, unit, ours, peer=None, theirs=(), goal=None, agreement=""):
        self.line, self.work, self.unit, self.goal = line, work, unit, goal
        self.ours, self.peer, self.theirs, self.agreement = ours, peer, theirs, agreement

    def ratios(self):
        """How many times ours is ahead, in each turn."""
        if self.unit.endswith("/s"):
            return [a / b for a, b in zip(self.ours, self.theirs)]
        return [b / a for a, b in zip(self.ours, self.theirs)]

    def ratio(self):
        """Of the medians."""
        a, b = statistics.median(self.ours), statistics.median(self.theirs)
        return a / b if self.unit.endswith("/s") else b / a

    def record(self):
        """The columns of the CSV file that belong to this row."""
        out = dict(line=self.line, work=self.work, unit=self.unit, repeats=len(self.ours))
        out.update(zip(("emend", "emend_low", "emend_high"), three(self.ours)))
        out["agreement"] = self.agreement
        out["goal"] = "" if self.goal is None else self.goal
        if self.peer and self.theirs:
            out["peer"] = self.peer
            out.update(zip(("peer_median", "peer_low", "peer_high"), three(self.theirs)))
            ratios = self.ratios()
            out.update(ratio=number(self.ratio()))
            out.update(ratio_low=number(min(ratios)), ratio_high=number(max(ratios)))
        return out


def three(samples):
    """Median, lowest and highest."""
    return [number(x) for x in (statistics.median(samples), min(samples), max(samples))]


def number(x):
    return float(f"{x:.4g}")


def spread(samples):
    """From the lowest to the highest, as a share of the median."""
    return f"{100 * (max(samples) - min(samples)) / statistics.median(samples):.0f} %"


def goal_text(row):
    if row.goal is None:
        return ""
    if row.peer is None:
        return f"< {row.goal:g}"
    return f">= {row.goal:g}"


def cells(row):
    out = [row.line, row.work, row.unit, f"{statistics.median(row.ours):.4g}", spread(row.ours)]
    if not row.peer or not row.theirs:
        return out + [row.peer or "-", "-", "-", "-", "-", goal_text(row)]
    ratios = row.ratios()
    out += [row.peer, f"{statistics.median(row.theirs):.4g}", spread(row.theirs)]
    return out + [f"{row.ratio():.2f}", f"{min(ratios):.2f} .. {max(ratios):.2f}", goal_text(row)]


HEAD = "line,work,unit,emend,spread,peer,median,spread,ratio,of turns,goal".split(",")
LEFT = {0, 1, 2, 5}


def text(rows):
    """The table for people; the ratio says how many times ours is ahead."""
    lines = [HEAD] + [cells(row) for row in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    pad = lambda i, cell: cell.ljust(widths[i]) if i in LEFT else cell.rjust(widths[i])
    return "\n".join("  ".join(pad(i, c) for i, c in enumerate(line)).rstrip() for line in lines)


def write(path, rows, about):
    """All rows as CSV; `about` holds what they have in common: machine, versions, date."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        out.writeheader()
        for row in rows:
            out.writerow({**row.record(), **about})
