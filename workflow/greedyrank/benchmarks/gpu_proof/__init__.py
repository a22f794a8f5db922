"""Everything that can be proven of the GPU path in ten minutes: see ``docs/gpu.md``.

Each module with a function ``run(report, options)`` is a part; `greedyrank.benchmarks.gpu_proof.runner` starts each in
a process of its own.
"""
