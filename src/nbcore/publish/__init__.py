"""From notebook sources to a published book: execute, stage, build, check."""
