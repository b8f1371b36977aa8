// The precompiled header needs a target of its own; see ftc_use_mlir.
