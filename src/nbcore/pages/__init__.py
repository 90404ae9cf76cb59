"""What each chapter shows: observations for the ledger, tables, figures with computed titles."""
