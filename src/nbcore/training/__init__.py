"""How models come to be: one gradient loop, classical models, testbeds."""
