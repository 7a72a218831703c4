"""Image operations that corruptions are made of: colour spaces, kernels, fields, warps and layers."""
