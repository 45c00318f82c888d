"""What `scenewright bench` measures, as a client of a server."""
