"""Problems: where the data come from and what the loss is on the end-to-end object."""
