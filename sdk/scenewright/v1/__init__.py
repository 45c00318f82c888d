"""Generated from `proto/scenewright/v1` by `make proto`: protobuf messages and gRPC stubs."""
