"""The `scenewright` command."""
