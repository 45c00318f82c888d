"""The gRPC edge: the only part of the server that touches protobuf."""
