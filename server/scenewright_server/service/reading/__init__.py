"""Protobuf messages and bytes to plain, bounded inputs."""
