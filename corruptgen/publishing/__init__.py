"""Publishing: from a finished output to a dataset repository on the Hub, with a card, checks and versions."""
