"""What is measured: pretrained networks and networks built for a chapter."""
