"""What `scenewright bench` measures."""
