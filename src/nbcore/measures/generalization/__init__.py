"""What the third part measures: exact risks and ridge paths, kernels that interpolate, profiles."""
