"""The training loop, and the general stepper in torch."""
