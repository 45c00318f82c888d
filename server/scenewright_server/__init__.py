"""The Scenewright server: model, engine, gRPC service, training and the diorama simulator."""
