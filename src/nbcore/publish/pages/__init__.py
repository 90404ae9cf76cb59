"""Pages that are made from the ledger, the runs and the packages, not written by hand."""
