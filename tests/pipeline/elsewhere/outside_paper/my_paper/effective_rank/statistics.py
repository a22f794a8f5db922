from greedyrank.spectra.selection import last


def final_rank(runs):
    return last(runs).effective_rank.to_numpy()
