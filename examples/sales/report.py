"""Sums up a folder of CSV files in parallel sandboxes, and draws a chart. The formula may come from anyone:

    archipel image build numpy pandas matplotlib --name science
    archipel run --image science --dir examples/sales::/sales --dir .::/out:rw examples/sales/report.py "units * price"

Each file has an interpreter of its own, with pandas in its memory from the start, and with nothing else: no files, no
network, and limits on time and memory. It gets the text of the file and the formula, which is ordinary Python, and
returns an array.  Only the main interpreter reads the folder and writes the chart.
"""

import asyncio
import sys
from pathlib import Path

import archipel
import matplotlib.pyplot as plt
import numpy as np

SUMMARISE = """
import io
import pandas as pd

def summarise(text, formula):
    table = pd.read_csv(io.StringIO(text))
    table["value"] = eval(formula, {name: table[name] for name in table})
    totals = table.groupby("month")["value"].sum()
    return list(totals.index), totals.to_numpy(float)
"""


async def summarise(path, formula):
    """Return the months of a file with the totals of the formula, or the reason that there are none."""
    limits = {"cpu": 2.0, "memory": 512 << 20}
    sandbox = archipel.create(name=path.stem, limits=limits)
    sandbox.exec(SUMMARISE)
    sandbox.prepare_main(text=path.read_text(), formula=formula)
    try:
        return await sandbox.call_async(eval, "summarise(text, formula)")
    except (archipel.ExecutionFailed, archipel.LimitExceeded) as error:
        return str(error).strip().splitlines()[-1]


async def main(folder, chart, formula):
    paths = sorted(folder.glob("*.csv"))
    results = await asyncio.gather(*(summarise(path, formula) for path in paths))
    figure, axes = plt.subplots()
    for path, result in zip(paths, results):
        if isinstance(result, str):
            print(f"{path.stem}: {result}")
            continue
        months, totals = result
        print(f"{path.stem}: {np.sum(totals):.2f} in {len(months)} months")
        axes.plot(months, totals, marker="o", label=path.stem)
    if axes.lines:
        axes.set_title(formula)
        axes.legend()
        figure.savefig(chart)
        print(f"wrote {chart.name}")


asyncio.run(main(Path("/sales"), Path("/out/sales.png"), sys.argv[1]))
