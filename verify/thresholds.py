"""The thresholds of a diagnosis. Errors are squared errors over ‖X_t‖², so that they mean the same on data of any norm;
`MEMORIZED_ERROR` alone is absolute: it is the trainer's.
"""

from numerics.least_norm import DROPPED_ERROR, DROPPED_LENGTH
from theory.setting import MEMORIZED_ERROR

__all__ = ["DROPPED_ERROR", "DROPPED_LENGTH", "MEMORIZED_ERROR"]

#: A feature or datapoint is stored where at least this share of its energy is reconstructed. Columns of the sea
#: reconstruct less than 0.4 of a feature, those of a ring of up to ten more than 0.63.
STORED = 0.6
#: ... or less by no more standard errors than this: of an octagon's eight features on thirty occurrences each, one or
#: more would else be missing in half of all draws. A column without a bias below `STORED` is never within these.
SAMPLED = 2.0
#: What holds for most, or for the larger part.
MAJORITY = 0.5
#: A stored feature occurs in at least this many datapoints, so that it is not the property of a few of them.
SEEN_OFTEN = 10
#: Descent from a model of stored features leaves at least this share of what it gains at its end. The unit pentagon
#: on data of constant amplitude has 0.81; random starts have 0.35 in the median, and 2 of 298 more than this.
SETTLED = 0.75
#: ... and a ring is at the end of its training where they have this share: rings of the laws that are told apart have
#: less on one another's data, trained pentagons more than 0.999.
CONVERGED = 0.99
#: Two circles are told apart where lengths, in order, jump by at least this ratio; regular polygons jump by 1.
CIRCLE_RATIO = 1.1
#: A memorizing code has the least norm, up to its scale, where it is this near to it in energy. Other stationary codes
#: lie closer than the code of T + 1 points does, but rarely within a twentieth.
CODE_EXCESS = 0.05
#: Directions of stored features belong to different parts of an arrangement where |cos| is below this between all of
#: them; in a k-gon neighbours, and in a simplex in up to six dimensions all, are farther from a right angle.
APART = 0.15
#: Distances between clusters are at least this many times those within; equally spaced points have 1.
CLUSTER_RATIO = 3.0
#: A model has collapsed where no output differs by more than this between datapoints of norm 1.
CONSTANT_OUTPUT = 0.1
