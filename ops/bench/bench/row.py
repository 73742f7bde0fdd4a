"""One line of the results: what was measured, against what, and the target of the design."""

import statistics


def paired(own, other, key="cpu_us"):
    """The median of the rounds' own ratios: what slows the machine down slows both sides of a round."""
    return statistics.median(mine[key] / theirs[key] for mine, theirs in zip(own, other))


class Row:
    """`at_least` turns the target round: then more is better."""

    def __init__(self, measure, value, unit, target=None, note="", at_least=False):
        self.measure, self.value, self.unit, self.target, self.note = measure, value, unit, target, note
        self.at_least = at_least

    @property
    def is_met(self):
        return self.target is None or (self.value >= self.target if self.at_least else self.value <= self.target)

    def cells(self):
        number = f"{self.value:.2f}" if self.unit == "ratio" else f"{self.value:,.1f} {self.unit}"
        sign, unit = "≥" if self.at_least else "≤", "" if self.unit == "ratio" else f" {self.unit}"
        limit = "–" if self.target is None else f"{sign} {self.target:g}{unit}"
        return [self.measure, number, limit, "–" if self.target is None else "yes" if self.is_met else "**no**", self.note]

    def record(self):
        return {"measure": self.measure, "value": self.value, "unit": self.unit, "target": self.target,
                "at_least": self.at_least, "met": self.is_met, "note": self.note}


def table(rows):
    return markdown(["measure", "measured", "target", "met", ""], "lrlll", [row.cells() for row in rows])


def markdown(heads, sides, lines):
    """A table; `sides` says for each column whether it stands left or right."""
    rule = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, rule, *lines])
