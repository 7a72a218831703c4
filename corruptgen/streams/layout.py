"""How long the streams of CCC are, and what their files are called."""

IMAGES = 7_500_000
IMAGES_PER_SHARD = 25_000


def images_per_shard(speed: int) -> int:
    """Return how many images a shard has: whole steps of them, at least 25,000.

    Parameters
    ----------
    speed : int
        Images per step: 1000, 2000 or 5000 in CCC.

    Returns
    -------
    int
        The number of images.

    Examples
    --------
    >>> images_per_shard(1000), images_per_shard(2000)
    (25000, 26000)
    """
    return speed * -(-IMAGES_PER_SHARD // speed)


def count_steps(speed: int) -> int:
    """Return how many steps a stream has: whole shards of them, with at least 7.5 million images.

    Parameters
    ----------
    speed : int
        Images per step: 1000, 2000 or 5000 in CCC.

    Returns
    -------
    int
        The number of steps.

    Examples
    --------
    >>> count_steps(1000), count_steps(2000), count_steps(5000)
    (7500, 3757, 1500)
    """
    return -(-IMAGES // images_per_shard(speed)) * (images_per_shard(speed) // speed)


def folder_name(target: float, speed: int, seed: int) -> str:
    """Return the folder of a stream among those of CCC.

    Parameters
    ----------
    target : float
        The accuracy that is aimed at, in percent; published ones are whole numbers.
    speed : int
        Images per step.
    seed : int
        That of its walk.

    Returns
    -------
    str
        The name of the folder.

    Examples
    --------
    >>> folder_name(20, 1000, 43)
    'baseline_20_transition+speed_1000_seed_43'
    """
    return f"baseline_{target}_transition+speed_{speed}_seed_{seed}"
