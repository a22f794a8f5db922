from greedyrank.figures.canvas import Canvas


def draw(sweeps, published):
    canvas = Canvas(1, 1, width="column")
    for depth, runs in sweeps["my_sweep"].groupby("depth"):
        canvas.each_run(0, runs, runs.step, runs.effective_rank, f"depth {depth}", label=f"depth {depth}")
    canvas.panels[0].set(xlabel="step", ylabel="effective rank")
    canvas.panels[0].legend()
    return canvas
