"""Nearest-centroid classification: the class whose mean flower is nearest to the one measured."""

from math import dist


def classify(model: dict, features: list[float]) -> str:
    """Name of the nearest class. Raises ValueError when the number of features is not the model's."""
    if len(features) != len(model["features"]):
        raise ValueError(f"{len(model['features'])} features wanted: {', '.join(model['features'])}")
    return min(model["classes"], key=lambda name: dist(model["classes"][name], features))
