"""The running process: optional packages, caches, signals, and the source code of what computes pixels."""
