"""The engine: from a recipe to a plan, its blocks, and a build that can be stopped and resumed."""
