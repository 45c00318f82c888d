"""Generated from `proto/scenewright/v1alpha` by `make proto`: messages and stubs of what may still change."""
