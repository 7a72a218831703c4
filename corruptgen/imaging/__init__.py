"""The basement of picture work: pixel rules, codecs, kernels, fields and warps. It knows nothing of severities."""
