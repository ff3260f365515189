"""Names for runs that were given none, in the manner of MLflow's: ``calm-heron-412``.

MLflow would make one up itself, but only once the run is in the store.
"""

import os
from random import Random

_ADJECTIVES = (  # noqa: SIM905  (a word a line is no better to read)
    "able agile amber ample apt awake bold brave breezy bright brisk calm candid clean clear "
    "clever cosy crisp curious daring deft eager early fair fast fine firm frank fresh gentle "
    "glad grand happy hardy honest keen kind lively loyal mellow merry mild neat nimble noble "
    "patient plain proud quick quiet rapid ready serene sharp silent smart smooth snug sober "
    "solid spry steady sturdy sunny swift tidy vivid warm wise witty"
).split()
_NOUNS = (  # noqa: SIM905
    "auk badger bat bear bee bison boar calf carp cat cod colt crab crane crow deer dog dove "
    "duck eagle eel elk emu falcon fawn finch fish foal fox frog gnat gnu goat goose grouse "
    "gull hare hawk hen heron horse hound ibex ibis jay kite koi lamb lark linnet lion llama "
    "loon lynx mare mink mole moose moth mouse mule newt orca otter owl ox panda perch pike "
    "plover pony quail raven ray robin rook seal shark sheep shrew sloth snail snipe squid "
    "stag stork swan tern toad trout wasp whale wolf wren yak zebra"
).split()
_random = Random()  # noqa: S311  (names are no secrets)
"""Not the one whose seed is the user's."""
os.register_at_fork(after_in_child=_random.seed)  # or a child would make up its parent's names


def made_up() -> str:
    """Return a name."""
    adjective, noun = (_random.choice(words) for words in (_ADJECTIVES, _NOUNS))
    return f"{adjective}-{noun}-{_random.randrange(1000)}"
