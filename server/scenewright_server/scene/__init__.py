"""What is where, and what follows from it: for every family, without network or protobuf."""
