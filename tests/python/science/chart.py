# Draws a chart, without any file that a policy grants.
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

table = pd.DataFrame({"x": np.linspace(0, 6, 50)})
table["y"] = np.sin(table["x"])
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot(table["x"], table["y"])
axes.set_title("Sine")
buffer = io.BytesIO()
figure.savefig(buffer, format="png", dpi=100)
picture = buffer.getvalue()
