"""How models come to be: one gradient loop, classical models, testbeds."""

import warnings

# in a notebook without widgets tqdm falls back to text, which needs no warning on a page
warnings.filterwarnings("ignore", message="IProgress not found")
