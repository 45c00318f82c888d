"""Dataclass <-> protobuf, as pure functions: the one place of the SDK where the wire's types are known."""
